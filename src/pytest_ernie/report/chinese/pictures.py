"""
What stands in pictures, above them, and in their text alternatives, in Chinese.
"""

from __future__ import annotations

_N = r"([−+-]?[\d.,e+-]+|nan|inf)"

PHRASES: dict[str, str] = {
    "difference": "差值",
    "candidate": "被测",
    "reference": "基准",
    "no finite loss": "loss 非有限值",
    "1 outlier": "1 个 outlier",
    "requests in flight": "并发请求数",
    "TPS, tok/s": "TPS，tok/s",
    "mean first token, s": "平均首token时延，s",
    "mean decode speed, tok/s": "平均解码速度，tok/s",
    "breaks a limit": "超出约束",
    "share of requests": "请求占比",
    "first token, s": "首token时延，s",
    "decode speed, tok/s": "解码速度，tok/s",
    "no request was answered": "没有请求得到应答",
    "points above (+) or below (−) the reference": "高于（+）或低于（−）基准的分数",
    "depth in the prompt": "在提示中的深度",
    "not answered": "未应答",
    "refused": "被拒绝",
    "it is being recorded": "正在录制",
    "no load keeps the limits": "没有负载满足约束",
    # text alternatives
    "The candidate's log holds no finite loss.": "被测日志中没有有限的 loss。",
    "There is no reference to compare it with.": "没有可比较的基准。",
    "No tested load keeps the limits.": "没有测试过的负载满足约束。",
    "No request was answered.": "没有请求得到应答。",
    "The means decide.": "以平均值判定。",
}

PATTERNS: tuple[tuple[str, str], ...] = (
    (rf"{_N} outliers", r"\1 个 outlier"),
    (rf"{_N} tokens", r"\1 tokens"),
    (rf"counts: {_N} tok/s", r"有效：\1 tok/s"),
    (rf"{_N} lost, {_N} won", r"丢 \1 题，得 \2 题"),
    (rf"{_N} lost", r"丢 \1 题"),
    (rf"{_N}, reference {_N}", r"\1，基准 \2"),
    (r"without the reference: (.+)", r"没有基准：\1"),
    # headings and titles
    (r"Loss(?: of|,) (.+)", r"loss 曲线，\1"),
    (r"Training at the context lengths, (.+)", r"各上下文长度的训练，\1"),
    (r"Serving throughput(?: of|,) (.+), workload (.+)", r"推理性能，\1，负载 \2"),
    (r"Latency at that load, (.+), workload (.+)", r"该负载下的时延分布，\1，负载 \2"),
    (r"First token and decode speed of each request, (.+)", r"每个请求的首token时延与解码速度，\1"),
    (r"workload (\w+)", r"负载 \1"),
    (r"Needles in long prompts, (.+)", r"长提示中的针，\1"),
    (r"Accuracy(?: of|,) (.+)", r"效果，\1"),
    # text alternatives, a sentence each
    (
        rf"The candidate's loss goes from {_N} at step (\d+) to {_N} at step (\d+)\.",
        r"被测的 loss 从第 \2 步的 \1 变到第 \4 步的 \3。",
    ),
    (r"(\d+) steps between them have no finite loss\.", r"其间有 \1 步没有有限的 loss。"),
    (
        rf"In steps (\d+) to (\d+) the largest difference from the reference is {_N}, at step (\d+); "
        rf"(\d+) steps differ by more than {_N}\.",
        r"第 \1 至 \2 步中与基准的最大差值为 \3，在第 \4 步；\5 步相差超过 \6。",
    ),
    (r"steps (\d+) to (\d+) can't be compared\.", r"第 \1 至 \2 步无法比较。"),
    (
        rf"The reference's own runs agree within {_N} there\.",
        r"基准各次运行在此范围内彼此相差不超过 \1。",
    ),
    (rf"(\d+) tokens: largest difference {_N}", r"\1 tokens：最大差值 \2"),
    (
        rf"(\d+) tokens: largest difference {_N}\. {_N} is allowed\.",
        r"\1 tokens：最大差值 \2。允许 \3。",
    ),
    (r"(\d+) tokens: nothing to compare(\.?)", r"\1 tokens：没有可比较的\2"),
    (rf"{_N} is allowed\.", r"允许 \1。"),
    (rf"A difference of {_N} is allowed\.", r"允许相差 \1 分。"),
    (rf"(\S+): {_N} points, the reference has {_N}", r"\1：\2 分，基准 \3 分"),
    (r"(\d+) won\.", r"得 \1 题。"),
    (
        rf"The highest load that counts is (\d+) requests in flight with {_N} tok/s, {_N} s to the first "
        rf"token and {_N} tok/s of decode speed\.",
        r"有效的最高负载为并发 \1：\2 tok/s，首token时延 \3 s，解码速度 \4 tok/s。",
    ),
    (r"At (\d+) in flight: (.+)\.", r"并发 \1：\2。"),
    (
        rf"Over (\d+) requests the median first token took {_N} s, P(\d+) {_N} s, P(\d+) {_N} s; "
        rf"{_N}% took longer than {_N} s\.",
        r"\1 个请求的首token时延中位数 \2 s，P\3 为 \4 s，P\5 为 \6 s；\7% 超过 \8 s。",
    ),
    (
        rf"The median decode speed is {_N} tok/s; {_N}% were slower than {_N} tok/s\.",
        r"解码速度中位数 \1 tok/s；\2% 低于 \3 tok/s。",
    ),
    (r"(.+): (\d+) of (\d+) needles found(\.?)", r"\1：\3 根针找回 \2 根\4"),
    (
        r"(.+): (\d+) of (\d+) needles found, lost at ([\d%, ]+)(\.?)",
        r"\1：\3 根针找回 \2 根，丢失于 \4\5",
    ),
    (r"(\S+) tier (I+): (\d+) of (\d+) pass(\.?)", r"\1 \2 级：\4 项中 \3 项通过\5"),
)
"""As ``sentences.PATTERNS``."""
