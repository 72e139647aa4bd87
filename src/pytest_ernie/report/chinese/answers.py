"""
What is said of question sets and their answers, in Chinese.
"""

from __future__ import annotations

_N = r"([−+-]?[\d.,e+-]+|nan|-?inf)"
_RANGE = rf"{_N[:-1]}|[\d.]+ to [\d.]+)"

PHRASES: dict[str, str] = {
    "no question was asked": "没有提出任何题目",
    "not scored": "没有得分",
    "the same data set on both sides": "两侧使用同一数据集",
    "questions": "题目",
    "prompts": "提示",
    "evaluation library": "评测库",
    "few-shot examples": "少样本示例",
    "decoding": "解码方式",
}

PATTERNS: tuple[tuple[str, str], ...] = (
    (
        rf"{_RANGE} points on (\d+) questions, the reference has {_RANGE}( \(.+\))?",
        r"\2 题得 \1 分，基准 \3 分\4",
    ),
    (r" \((\d+) questions? lost, (\d+) won\)", r"（丢 \1 题，得 \2 题）"),
    (rf"a difference of {_N} is allowed", r"允许相差 \1 分"),
    (rf"{_N} to {_N}", r"\1 至 \2"),
    (r"(\d+) questions have no score", r"\1 题没有得分"),
    (r"(\d+) of the reference's questions have no score", r"基准有 \1 题没有得分"),
    # Why they have none quotes a server, and may hold the signs at which sentences are taken apart.
    (r"(.+ is allowed.*?); (\d+ .*?questions have no score) \((.+)\)", r"\1；\2（\3）"),
    (rf"within {_N} point of the reference", r"与基准相差不超过 \1 分"),
    (r"(.+), weak", r"\1，较弱"),
    ("weak", "较弱"),
    (
        rf"weak: the (\d+%) interval of the difference is {_N} to {_N} points and crosses the limit",
        r"较弱：差值的 \1 置信区间为 \2 至 \3 分，跨过界限",
    ),
    (
        rf"(\d+%) interval of the difference: {_N} to {_N} points(; weak: it crosses the limit)?",
        r"差值的 \1 置信区间：\2 至 \3 分\4",
    ),
    (r"; weak: it crosses the limit", r"；较弱：区间跨过界限"),
    (
        r"([\d.]+%) of the answers changed; an equal chip of which as many change fails by luck with a "
        r"probability of (\d+%)",
        r"\1 的回答有变化；同等芯片若有同样多的变化，因偶然而未通过的概率为 \2",
    ),
    (r"(\d+) of (\d+) answers are no answers: (.+)", r"\2 个回答中有 \1 个不成回答：\3"),
    (r"(\d+) repeated", r"\1 个重复"),
    (r"(\d+) (?:empty|blank)", r"\1 个为空"),
    (r"(\d+) of (\d+) answers were cut by max_tokens", r"\2 个回答中有 \1 个被 max_tokens 截断"),
    (
        r"(\d+) of (\d+) answers were empty, with all that was said in the reasoning",
        r"\2 个回答中有 \1 个为空，内容全在思考部分",
    ),
    (rf"{_RANGE} points on (\d+) questions", r"\2 题得 \1 分"),
    (r"on the reference (.+)", r"在基准上：\1"),
    (
        r"candidate and reference (?:did not ask|were not asked) the same questions: (\d+) differ, the first "
        r"is (.+)",
        r"被测与基准的题目不同：相差 \1 题，第一题是 \2",
    ),
    (
        r"candidate and reference were not asked the same questions, so they can't be compared",
        r"被测与基准的题目不同，无法比较",
    ),
    (r"(\d+) only of the (candidate|reference), the first is (.+)", r"仅\2有 \1 题，第一题是 \3"),
    (
        r"the (candidate|reference)'s score of question (\S+) is (\S+); a score lies between (\d) and (\d)",
        r"\1第 \2 题的得分为 \3；得分应在 \4 与 \5 之间",
    ),
    (
        r"candidate and reference don't have the same (.+), so they can't be compared",
        r"被测与基准的\1不同，无法比较",
    ),
    (
        r"(\d+) of (\d+) (\w+) differ between candidate and reference, so they can't be compared; the first "
        r"is (.+)",
        r"被测与基准的 \2 个\3中有 \1 个不同，无法比较；第一个是 \4",
    ),
    (
        r"the edition has no digest of (\S+): both sides were asked the same (\d+) questions \((.+)\), and "
        r"which copy that is nobody checked",
        r"版本没有 \1 的摘要：两侧回答的是相同的 \2 题（\3），但没有人核对是哪个副本",
    ),
    (r"(\S+) isn't complete on either side", r"两侧的 \1 都不完整"),
    (
        r"the reference's record of (\S+) lacks (\w+), so it can't be compared with",
        r"基准的 \1 记录缺少 \2，无法比较",
    ),
    (
        r"neither side was asked the (\S+) of the edition: questions or answers differ",
        r"两侧使用的都不是版本规定的 \1：题目或答案不同",
    ),
    (
        r"question (\S+) was asked under another number of prompts than the edition says",
        r"第 \1 题的提示个数与版本规定的不同",
    ),
)
"""As ``chinese.PATTERNS``."""
