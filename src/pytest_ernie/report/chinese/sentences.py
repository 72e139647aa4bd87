"""
The sentences of verdicts, in Chinese: what was measured, what is required, and why it isn't PASS.
"""

from __future__ import annotations

_N = r"([−+-]?[\d.,e+-]+|nan|-?inf)"

PHRASES: dict[str, str] = {
    "recorded as a reference; nothing was compared": "已作为基准录制；没有进行比较",
    "the test formed no verdict": "测试没有形成结论",
    "this run didn't ask for it": "本次运行未包含此项",
    "marked xfail, which never certifies": "被标记为 xfail，不能用于认证",
    "a criterion was judged twice": "一项判据被判定了两次",
    "no reference was given": "没有给出基准",
    "no load within the limits": "没有负载满足约束",
    "diverging": "有发散迹象",
    "without a reference the loss was only checked to be finite (R12)": (
        "没有基准，loss 只检查是否为有限值（R12）"
    ),
    "no divergence": "无发散迹象",
    "answered": "有应答",
    "needles like the reference": "找回的针与基准相当",
    "finite": "有限值",
    "benchmark": "基准",
    "no reference to compare the loss with": "没有可比较 loss 的基准",
    "the server doesn't report usage.prompt_tokens, so the length isn't proven": (
        "服务端没有报告 usage.prompt_tokens，长度未被证明"
    ),
    "the reference's server doesn't report usage.prompt_tokens": (
        "基准的服务端没有报告 usage.prompt_tokens"
    ),
    "the reference gives back so few needles that they prove nothing at this length": (
        "基准找回的针太少，在该长度下不能说明问题"
    ),
    "weak: it crosses the limit": "较弱：区间跨过界限",
    "none recorded": "没有记录",
    "training data": "训练数据",
    "checkpoint": "权重",
    "measure with more client processes, or from a host with nothing else to do": (
        "请增加客户端进程，或从没有其他任务的主机测量"
    ),
    "record it anew on cards that are well": "请在正常的卡上重新录制",
    "this isn't the supervised data set that the edition designates": "这不是该版本指定的有监督数据集",
}

PATTERNS: tuple[tuple[str, str], ...] = (
    # loss
    (
        rf"steps (\d+)\.\.(\d+): \|difference\| ≤ {_N}, at most (\d+) outliers, no divergence",
        r"第 \1..\2 步：|差值| ≤ \3，outlier 不多于 \4 个，无发散迹象",
    ),
    (rf"{_N} outliers, largest {_N}(, diverging)?", r"\1 个 outlier，最大 \2\3"),
    (r", diverging", r"，有发散迹象"),
    (
        rf"{_N} of (\d+) steps differ from the reference by more than {_N} \((\d+) are allowed\); "
        rf"the largest difference is {_N} at step (\d+)(; .+)?",
        r"\2 步中有 \1 步与基准相差超过 \3（允许 \4 步）；最大差值 \5，在第 \6 步\7",
    ),
    (
        rf"; the difference grows by {_N} over the window, {_N} is allowed",
        r"；差值在窗口内增大 \1，允许 \2",
    ),
    (
        r"; the first outliers are steps ([\d, ]+)(; the difference grows .+)?",
        r"；最先的 outlier 在第 \1 步\2",
    ),
    (
        r"growth of the difference: p ([=<] \S+) \(Mann-Kendall, one-sided\)",
        r"差值增大：p \1（Mann-Kendall 单侧检验）",
    ),
    (
        r"the loss is (\S+) at step (\d+); every loss up to step (\d+) must be finite",
        r"第 \2 步的 loss 为 \1；第 \3 步及以前的 loss 必须均为有限值",
    ),
    (r"(nan|-?inf) at step (\d+)", r"第 \2 步为 \1"),
    (
        r"the (candidate|reference|reference's run \d+)'s log has no loss for step (\d+)( and \d+ more)?; "
        r"a missing step is never skipped",
        r"\1日志缺第 \2 步的 loss\3；缺失的步不会被跳过",
    ),
    (r" and (\d+) more", r" 等另外 \1 步"),
    (
        r"the (candidate|reference|reference's run \d+)'s loss is (\S+) at step (\d+)",
        r"\1第 \3 步的 loss 为 \2",
    ),
    (r"reference's run (\d+)", r"基准第 \1 次运行"),
    (
        r"in attempt (\d+), which was cut short, the loss is (\S+) at step (\d+)",
        r"中断的第 \1 次尝试在第 \3 步的 loss 为 \2",
    ),
    (
        r"attempt (\d+), which was cut short, had other losses at (\d+) of the steps that were trained "
        rf"again: {_N} at step (\d+), where the completed one has {_N}",
        r"中断的第 \1 次尝试在重新训练的步中有 \2 步 loss 不同：第 \4 步为 \3，完成的一次为 \5",
    ),
    (
        rf"(\d+) steps differ by more than {_N} already, (\d+) are allowed \(steps ([\d, ]+), …\)",
        r"已有 \1 步相差超过 \2，允许 \3 步（第 \4 步……）",
    ),
    # throughput
    (rf"≥ {_N} % of the benchmark(?: \({_N} tok/s\))?", r"≥ 基准的 \1 %（\2 tok/s）"),
    (
        rf"{_N} tok/s is {_N} % of the benchmark's {_N} tok/s; {_N} % is required",
        r"\1 tok/s，为基准 \3 tok/s 的 \2 %；要求 \4 %",
    ),
    (
        rf"nominal, padding counted: {_N} tok/s, benchmark {_N}",
        r"名义值（含 padding）：\1 tok/s，基准 \2",
    ),
    (
        rf"(\w+): (\d+) in flight, mean first token {_N} s \((P\d+) {_N} s\), mean decode speed "
        rf"{_N} tok/s",
        r"\1：并发 \2，平均首token时延 \3 s（\4 \5 s），平均解码速度 \6 tok/s",
    ),
    (
        r"(\w+): found with confidence (\d+%) in (\d+) trials of (\d+) requests",
        r"\1：经 \3 次试验、\4 个请求找到，置信度 \2",
    ),
    (
        r"(\w+): under (P\d+) this load would break the first-token limit",
        r"\1：若按 \2 判定，该负载会超出首token时延约束",
    ),
    (
        r"(\w+): the highest load that is tried still keeps the limits, so the true maximum may be "
        r"higher",
        r"\1：尝试过的最高负载仍满足约束，真正的最大值可能更高",
    ),
    (
        r"no tested load of the (\w+) workload keeps the limits: (.+)",
        r"负载 \1 中没有任何并发满足约束：\2",
    ),
    (r"(\d+) in flight: (.+)", r"并发 \1：\2"),
    (r"(.+ of the requests failed, .+?), (mean (?:time|decode) .+)", r"\1；\2"),
    (r"(mean time to first token .+ s), (mean decode speed .+)", r"\1；\2"),
    (
        rf"{_N} % of the requests failed, at most {_N} % may( \(.+\))?",
        r"\1 % 的请求失败，至多允许 \2 %\3",
    ),
    (r" \((\d+) of (\d+) like this: (.+)\)", r"（\2 个中有 \1 个如此：\3）"),
    (
        rf"mean time to first token {_N} s, must be < {_N} s",
        r"平均首token时延 \1 s，须小于 \2 s",
    ),
    (rf"mean decode speed {_N} tok/s, must be ≥ {_N}", r"平均解码速度 \1 tok/s，须不小于 \2"),
    (
        rf"the measured throughput is {_N} tok/s, so there is no share to judge",
        r"实测吞吐为 \1 tok/s，没有可判定的比例",
    ),
    (
        rf"the benchmark throughput is {_N} tok/s, so there is no share to judge",
        r"基准吞吐为 \1 tok/s，没有可判定的比例",
    ),
    (
        r"the prompts of the (\w+) workload weren't sent in the order of the challenge",
        r"负载 \1 的提示没有按挑战码的顺序发送",
    ),
    (
        r"the reference keeps the limits at no load of the (\w+) workload: (.+)",
        r"基准在负载 \1 的任何并发下都不满足约束：\2",
    ),
    (r"the reference can't be a benchmark: (.+)", r"该基准不能作为 benchmark：\1"),
    (
        r"the reference's throughput was recorded on another machine \((.+)\), and this edition compares "
        r"throughput only on one: record a reference here with --record-reference and name its folder with "
        r"--reference",
        r"基准的吞吐是在另一台机器（\1）上录制的，而本版本只比较同一台机器的吞吐："
        r"请在本机用 --record-reference 录制基准，并以 --reference 给出其目录",
    ),
    (
        rf"only {_N} % of the answers reached their fixed length; (\d+%) are required for equal work",
        r"只有 \1 % 的回答达到规定长度；等量工作要求 \2",
    ),
    (
        r"the (candidate|reference)'s run went on from the checkpoint of step (\d+), so its token/s over "
        r"steps (\d+)\.\.(\d+) in one piece isn't known: measure it again with --fresh",
        r"\1的运行从第 \2 步的检查点继续，第 \3..\4 步连续的 token/s 未知：请用 --fresh 重新测量",
    ),
    (
        r"the (candidate|reference)'s log lacks step (\d+), so its token/s over steps (\d+)\.\.(\d+) isn't "
        r"known",
        r"\1的日志缺第 \2 步，第 \3..\4 步的 token/s 未知",
    ),
    # the load client
    (
        r"the load client may have been the bottleneck at (\d+) in flight: (.+)",
        r"并发 \1 时瓶颈可能是负载客户端：\2",
    ),
    (
        rf"it took {_N} % of a core, at most (\d+%) is accepted",
        r"它占用了一个核的 \1 %，至多接受 \2",
    ),
    (
        rf"it waited for a processor {_N} % of the time, at most (\d+%) is accepted",
        r"它有 \1 % 的时间在等待处理器，至多接受 \2",
    ),
    (
        rf"it took {_N} % of the (\d+) events/s that it can take on this host, at most (\d+%) is accepted",
        r"它用掉了本机能力 \2 事件/s 的 \1 %，至多接受 \3",
    ),
    (
        rf"requests left {_N} s late on average, {_N} % of the first-token limit, at most (\d+%) is accepted",
        r"请求平均晚发 \1 s，为首token时延约束的 \2 %，至多接受 \3",
    ),
    (
        rf"its first tokens were {_N} s off when it measured itself, {_N} % of the limit, at most (\d+%) is "
        r"accepted",
        r"它测量自身时首token时延偏差 \1 s，为约束的 \2 %，至多接受 \3",
    ),
    (
        rf"{_N}% of the answers came in one moment, and it waited for a processor meanwhile",
        r"\1% 的回答在同一刻到达，而它当时在等待处理器",
    ),
    (
        rf"only {_N} % of the load was in flight, (\d+%) is required",
        r"实际并发只有负载的 \1 %，要求 \2",
    ),
    # context
    (
        rf"(\d+) steps of (\d+) tokens, finite loss within {_N}",
        r"\1 步、每样本 \2 tokens，loss 为有限值且相差不超过 \3",
    ),
    (
        rf"(\d+) steps of (\d+) tokens ran with finite loss; the largest difference from the reference "
        rf"is {_N} at step (\d+), {_N} is allowed",
        r"\1 步、每样本 \2 tokens 运行完成，loss 均为有限值；与基准的最大差值 \3，在第 \4 步，允许 \5",
    ),
    (rf"largest difference {_N}", r"最大差值 \1"),
    (r"(\d+) steps, finite", r"\1 步，有限值"),
    (
        r"≥ (\d+) prompt tokens, answered, needles like the reference",
        r"≥ \1 个 prompt tokens，有应答，找回的针与基准相当",
    ),
    (r"(\d+) tokens, (\d+)/(\d+) needles", r"\1 tokens，针 \2/\3"),
    (
        r"a prompt of (\d+) tokens was accepted and answered; (\d+) of (\d+) needles were given back, "
        r"the reference gave (\d+), at least (\d+) are required",
        r"接受并应答了 \1 tokens 的提示；\3 根针找回 \2 根，基准找回 \4 根，至少要求 \5 根",
    ),
    (r"the server refused a prompt of (\d+) tokens: (.+)", r"服务端拒绝了 \1 tokens 的提示：\2"),
    (
        r"(\d+) steps of (\d+) tokens ran with finite loss",
        r"\1 步、每样本 \2 tokens 运行完成，loss 均为有限值",
    ),
    (
        r"the loss is (\S+) at step (\d+) with (\d+) tokens a sample",
        r"每样本 \3 tokens 时，第 \2 步的 loss 为 \1",
    ),
    (r"the log has no loss for step (\d+) of (\d+)", r"日志缺第 \1 步（共 \2 步）的 loss"),
    (
        r"a sample holds (\d+) tokens, so (\d+) were not shown; every sample must fill at least (\d+%) of "
        r"the length",
        r"有样本只有 \1 tokens，未能证明 \2；每个样本须至少填满长度的 \3",
    ),
    (
        r"the reference has no finite loss for step (\d+) of (\d+)",
        r"基准第 \1 步（共 \2 步）没有有限的 loss",
    ),
    (
        r"the (candidate|reference) was asked for (\d+) needles, the edition has (\d+)",
        r"\1被要求找回 \2 根针，版本规定 \3 根",
    ),
    (
        r"the reference's prompt was to fill (\d+) tokens, the candidate's (\d+)",
        r"基准的提示应为 \1 tokens，被测为 \2",
    ),
    (r"the reference doesn't hold itself: (.+)", r"基准自身不成立：\1"),
    (
        r"the reference gives back (\d+) of (\d+) needles; fewer than (\d+) prove nothing",
        r"基准在 \2 根针中找回 \1 根；少于 \3 根不能说明问题",
    ),
    (
        r"the server accepted a prompt of (\d+) tokens and gave no answer(?:: (.+))?",
        r"服务端接受了 \1 tokens 的提示，但没有应答。\2",
    ),
    (
        r"the server counted (\d+) prompt tokens; a prompt that fills (\d+) must count at least (\d+)",
        r"服务端计得 \1 个 prompt tokens；填满 \2 的提示至少应计 \3",
    ),
    # data type
    (
        r"the engine shows no types of its weights, so the data type isn't proven(?:\. (.+))?",
        r"引擎没有给出权重的类型，数据类型未被证明。\1",
    ),
    (
        r"the engine shows no types of the experts' weights, which are most of the model(?:\. (.+))?",
        r"引擎没有给出专家层权重的类型，而模型大部分是专家层。\1",
    ),
    (
        r"the engine doesn't show the type of (\d+) of (\d+) weight matrices, the first is (\S+?)"
        r"(?:\. (.+))?",
        r"引擎没有给出 \2 个权重矩阵中 \1 个的类型，第一个是 \3。\4",
    ),
    (
        r"(\d+) of (\d+) weight matrices don't have the types of (\w+): (\S+) is (\w+), it must be (.+)",
        r"\2 个权重矩阵中有 \1 个不是 \3 的类型：\4 为 \5，应为 \6",
    ),
    (r"(\w+), they must be (.+) for (\w+)", r"\1，\3 要求 \2"),
    (r"(\w+(?: or \w+)*) or (\w+)", r"\1 或 \2"),
    (r"(\w+): weights (.+), activations (.+)", r"\1：权重 \2，激活 \3"),
    (r"(.+) in experts and (.+) elsewhere", r"专家层 \1、其余 \2"),
    (r"(\d+) weight matrices: (.+); activations (.+)", r"\1 个权重矩阵：\2；激活 \3"),
    (r"([\d x\w, ]+); activations (.+)", r"\1；激活 \2"),
    (
        r"the weights are (.+), but the engine doesn't show the type of the activations(?:\. (.+))?",
        r"权重为 \1，但引擎没有给出激活的类型。\2",
    ),
)
"""As ``chinese.PATTERNS``."""
