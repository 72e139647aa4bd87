"""
What is said of training curves, in Chinese: noise, what a wrong one looks like, attempts, memory, stalls.
"""

from __future__ import annotations

_N = r"([-+]?[\d.,]+(?:e[-+]?\d+)?)"

PHRASES: dict[str, str] = {
    "seconds": "秒",
    "cause": "原因",
    "the candidate's stalls": "被测的停顿",
    "checkpoint writing": "写检查点",
    "data loading": "读数据",
    "unexplained": "原因不明",
    "noise of the reference's own runs": "基准自身的噪声",
    "data order": "数据顺序",
    "learning rate": "学习率",
    "it began anew": "从头重新开始",
    "train with the reference's layout to get a verdict, or add a reference that was recorded in this "
    "one": "请采用基准的并行布局训练，或另加一份以本布局录制的基准，以得到结论",
    "a reference of an equal device, or a recipe that gives the start, can tell": (
        "采用同型设备录制的基准，或由训练配置给定起点，方可判定"
    ),
    "it looks like numeric noise: the batches are the same, and the difference has no side (precision, the "
    "order of sums, a kernel)": "看起来是数值噪声：批次相同，差值没有固定方向（精度、求和次序或某个算子）",
    "it looks like another data order or other samples: the losses go up and down independently of the "
    "reference's, and as much": "看起来是数据顺序或样本不同：loss 的起伏与基准无关，幅度相当",
    "what it looks like is unclear: too few steps are wrong": "原因不明：出现偏差的步太少",
    "what it looks like is unclear: the reference's loss hardly varies from step to step": (
        "原因不明：基准的 loss 逐步几乎不变"
    ),
    "what it looks like is unclear: neither another data order, nor another learning rate, nor noise": (
        "原因不明：既不像数据顺序不同，也不像学习率不同或数值噪声"
    ),
}
"""Whole phrases, as ``chinese.PHRASES``."""

PATTERNS: tuple[tuple[str, str], ...] = (
    (r"it goes wrong from step (\d+) on; (.+)", r"从第 \1 步起出现偏差；\2"),
    (
        rf"it looks like another learning rate: the candidate's log shows {_N} at step (\d+), the "
        rf"reference's {_N}",
        r"看起来是学习率不同：被测日志在第 \2 步为 \1，基准日志为 \3",
    ),
    (
        r"it looks like another learning rate \(higher\), or other updates .+",
        r"看起来是学习率偏高，或更新不同（优化器、梯度裁剪、weight decay、部分参数未训练）："
        r"loss 起初相等，随后被测偏低",
    ),
    (
        r"it looks like another learning rate \(lower\), or other updates .+",
        r"看起来是学习率偏低，或更新不同（优化器、梯度裁剪、weight decay、部分参数未训练）："
        r"loss 起初相等，随后被测偏高",
    ),
    (
        r"it looks like a shifted data order: its losses are those of the reference (\d+) steps later",
        r"看起来是数据顺序错位：其 loss 等于基准 \1 步之后的 loss",
    ),
    (
        r"it looks like a shifted data order: its losses are those of the reference (\d+) steps earlier",
        r"看起来是数据顺序错位：其 loss 等于基准 \1 步之前的 loss",
    ),
    (
        rf"it looks like a loss that is scaled: it is {_N} times the reference's throughout",
        r"看起来是 loss 被缩放：始终为基准的 \1 倍",
    ),
    (
        rf"it looks like a loss that doesn't change at all: it is {_N} at every step",
        r"看起来 loss 毫无变化：每一步均为 \1",
    ),
    (
        rf"it looks like another start: the loss of the first step, before any update, differs by {_N}, .+",
        r"看起来是起点不同：首步（任何更新之前）的 loss 已相差 \1，批次相同（权重不同，或 loss 不同）",
    ),
    (
        rf"what it looks like is unclear: the losses go up and down independently of the reference's, "
        rf"{_N} times as much .+",
        r"原因不明：loss 的起伏与基准无关，幅度为其 \1 倍（批大小、数据或模型不同）",
    ),
    (rf"steps that differ by more than {_N}", r"相差超过 \1 的步"),
    (
        rf"(steps .+ no divergence) \((\d+) runs of the reference agree within {_N}\)",
        r"\1（基准的 \2 次运行彼此相差不超过 \3）",
    ),
    (
        r"the reference doesn't agree with itself, so it is no measure: of its run (\d+), (.+) "
        r"\(its first run\)\. Of the candidate: (.+)",
        r"基准与自身不一致，不能作为标准：其第 \1 次运行对首次运行，\2。被测：\3",
    ),
    (
        rf"the sides split the global batch differently; such layouts differ by up to {_N} by themselves",
        r"两侧对全局批的划分不同；仅此一项即可相差 \1",
    ),
    (
        rf"the sides split the global batch differently; such layouts differ by up to {_N} by themselves, "
        r"and that could turn the verdict: (.+)",
        r"两侧对全局批的划分不同；仅此一项即可相差 \1，可能改变结论：\2",
    ),
    (
        r"LoRA's random start was drawn by each side's own generator \((.+), and (.+) in the reference\), "
        r"so they may have started apart, which alone can explain this: (.+)",
        r"两侧 LoRA 的随机起点由各自的随机数发生器产生（\1；基准为 \2），起点可能不同，仅此即可造成：\3",
    ),
    (
        rf"the (candidate|benchmark) wrote (\d+) checkpoints, which took {_N} s \({_N}% of its time\) and "
        r"count",
        r"\1写了 \2 个检查点，用时 \3 秒（占其时间的 \4%），已计入",
    ),
    (
        rf"the benchmark wrote checkpoints for {_N} s, and without them would have trained {_N} tok/s: (.+)",
        r"基准写检查点用时 \1 秒，若不写则为 \2 tok/s：\3",
    ),
    (
        r"the (candidate|reference)'s log is doubtful: (.+)\. As it stands, (.+)",
        r"\1日志存疑：\2。按现有日志：\3",
    ),
    (r"the (candidate|reference)'s log is doubtful: (.+)", r"\1日志存疑：\2"),
    (
        r"in an earlier attempt the run was cut short \((.+)\); it began anew",
        r"此前的运行曾中断（\1）；已从头重新开始",
    ),
    (
        r"in an earlier attempt the run was cut short \((.+)\); it went on from the checkpoint of step (\d+)",
        r"此前的运行曾中断（\1）；从第 \2 步的检查点继续",
    ),
    (r"once, last step kept: (\d+)", r"一次，保留到第 \1 步"),
    (r"(\d+) times, last step kept: ([\d, ]+)", r"\1 次，分别保留到第 \2 步"),
    (rf"{_N}% interval of the share: {_N}% to {_N}%", r"占比的 \1% 置信区间：\2% 至 \3%"),
    (
        rf"weak: the interval holds shares on both sides of {_N}%",
        r"较弱：区间跨过 \1%",
    ),
    (
        rf"the candidate had (\d+) stalls?, {_N}% of its time: (.+)",
        r"被测有 \1 次停顿，占其时间的 \2%：\3",
    ),
    (
        rf"the benchmark had (\d+) stalls?, {_N}% of its time: (.+)",
        r"基准有 \1 次停顿，占其时间的 \2%：\3",
    ),
    (
        r"matrix products keep (\d+) bits of a number, and the recipe's (\w+) has (\d+)",
        r"矩阵乘只保留 \1 位有效数，而训练配置的 \2 有 \3 位",
    ),
    (rf"memory peak {_N} of {_N} GiB", r"显存峰值 \1 / \2 GiB"),
    (rf"memory peak {_N} GiB", r"显存峰值 \1 GiB"),
    (r" \((memory peak .+|a card has .+)\)", r"（\1）"),
    (rf"a card has {_N} GiB", r"单卡显存 \1 GiB"),
    (
        r"the device ran out of memory before its first step with (\d+) tokens a sample(.*?): (.+)",
        r"设备内存不足：每样本 \1 tokens 时未能完成首步\2：\3",
    ),
    (
        r"the device ran out of memory after step (\d+) with (\d+) tokens a sample(.*?): (.+)",
        r"设备内存不足：每样本 \2 tokens，在第 \1 步之后\3：\4",
    ),
    (r"out of memory before its first step", r"首步之前内存不足"),
    (r"out of memory after step (\d+)", r"第 \1 步之后内存不足"),
    (
        rf"stopped early after step (\d+) of (\d+), because the run can no longer pass: (.+)\. That saved "
        rf"{_N} card-hours",
        r"在第 \1 步（共 \2 步）提前停止，因为已不可能通过：\3。节省 \4 卡时",
    ),
)
"""Patterns of whole sentences, as ``chinese.PATTERNS``."""
