"""
What the pages themselves say, in Chinese: headings, banners, facts, advice, the certificate, what changed.
"""

from __future__ import annotations

PHRASES: dict[str, str] = {
    # words of verdicts
    "PASS": "通过",
    "FAIL": "未通过",
    "INCONCLUSIVE": "无法判定",
    "NOT RUN": "未运行",
    "RECORDED": "已记录",
    "UNSPECIFIED": "标准未规定",
    # clauses
    "Training loss": "训练 loss",
    "Training throughput": "训练性能",
    "Training context": "训练上下文长度",
    "Data type": "数据类型支持",
    "Serving throughput": "推理性能（单机TPS）",
    "Serving context": "推理上下文长度",
    "Accuracy": "效果",
    "Reinforcement learning": "强化学习",
    "RL": "强化学习",
    "Inference": "推理",
    "Both": "训练与推理",
    # the page
    "Self-assessment": "自评",
    "Tiers by model": "各模型级别",
    "Tiers whose criteria are all PASS, by model and scope": "各模型在各范围内全部判据通过的级别",
    "Missing": "尚缺",
    "Missing for the next tier": "距下一级别尚缺",
    "Nothing: every tier is PASS.": "无：所有级别均通过。",
    "Model": "模型",
    "Clause": "条款",
    "Facts": "事实",
    "Sections": "目录",
    "All results": "全部结果",
    "Pictures": "图",
    "Not drawn:": "未绘制：",
    "Every criterion by tier": "各级别的全部判据",
    "no requirement": "无要求",
    "The standard has the columns and leaves them empty.": "标准有此列，但为空。",
    "the standard leaves it open": "标准该列为空",
    "A tier is a row of the standard with a data type of its own: none includes another (R1).": (
        "级别是标准中的一行，各有自己的数据类型，互不包含（R1）。"
    ),
    "This is the applicant's own run. Only the certifying body can certify (R16). "
    "Reinforcement learning is UNSPECIFIED by the standard.": (
        "这是申请方自己的运行结果，只有认证方可以颁发认证（R16）。标准未规定强化学习。"
    ),
    "Synthetic data": "合成数据",
    "These figures were made up by a script to show what a report looks like. No device was "
    "measured.": "这些数字由脚本编造，仅用于展示报告的样子，没有测量任何设备。",
    "Rehearsal": "演练",
    "Nothing in this report can certify. What differs from the standard:": (
        "本报告中的任何内容都不能用于认证。与标准的差别："
    ),
    "This run records a reference. Nothing was compared, so nothing passes or fails.": (
        "本次运行录制基准，没有进行比较，因此没有通过或未通过。"
    ),
    "No reference": "没有基准",
    "No reference was given. What must be compared with one is INCONCLUSIVE.": (
        "没有给出基准。需要与基准比较的判据无法判定。"
    ),
    "Other reference": "非A100/A800基准",
    "Unsigned evidence": "证据未签名",
    "Untrusted reference": "基准未经信任方签名",
    "No key of the edition's trust list signed the reference: good for comparing, but nothing "
    "compared with it can certify (R14).": (
        "基准没有信任列表中密钥的签名：可用于比较，但与其比较的结果不能用于认证（R14）。"
    ),
    "UNSIGNED: nobody vouches for this evidence, and anybody could have changed it": (
        "未签名：没有人为这份证据担保，任何人都可能改动过它"
    ),
    "Candidate": "被测方",
    "Standard": "标准",
    "none was given": "未给出",
    "Criteria that pass, by model and tier": "各模型各级别通过的判据数",
    # the certificate
    "Certificate": "认证证书",
    "Training": "训练",
    "Training and inference": "训练与推理",
    "Scope": "范围",
    "Reference evidence": "基准证据",
    "Challenge": "挑战码",
    "Derived by": "推导者",
    "Printed": "打印日期",
    "Code of the evidence": "证据短码",
    "This is no certificate. It becomes one when all of this is mended and the certifying body has "
    "signed the evidence (R16):": "这不是证书。以下各项全部解决、且认证方已为证据签名后才能成为证书（R16）：",
    "Reinforcement learning is UNSPECIFIED by the standard. Whoever holds the bundle can derive this "
    "page anew: pytest-ernie verify.": (
        "标准未规定强化学习。持有证据包者可重新推导本页：pytest-ernie verify。"
    ),
    "the certifying body's key hasn't signed this evidence": "认证方的密钥尚未为这份证据签名",
    "no key of the edition's trust list signed the reference": "基准没有信任列表中密钥的签名",
    "there is no bundle of a reference to compare with": "没有可供比较的基准证据包",
    "the evidence says of itself that it is synthetic": "证据自称是合成的",
    "the edition has no criteria for this model, tier and scope": "该模型、级别与范围没有判据",
    "Judged by an edition that this suite doesn't ship: compare its digest with the one that the "
    "certifying body publishes.": "依据的版本不是本套件自带的：请与认证方公布的摘要核对。",
    # a criterion
    "measured": "实测",
    "required": "要求",
    "confidence": "置信度",
    "what to do": "建议",
    "choose it alone": "单独运行",
    "evidence": "证据",
    "Verdict": "结论",
    "Criterion": "判据",
    "Duration": "用时",
    "Links": "链接",
    "lost": "丢分",
    "won": "得分",
    "question": "题目",
    "result": "结果",
    "reference answered": "基准的回答",
    "candidate answered": "被测的回答",
    # two runs side by side
    "Two bundles of evidence": "两份证据对比",
    "Verdicts and figures are those that the bundles claim; pytest-ernie verify derives them anew.": (
        "结论与数字是证据包自称的；pytest-ernie verify 可重新推导。"
    ),
    "Nothing changed.": "没有变化。",
    "a folder, which nobody can sign": "文件夹，无法签名",
    "what": "类别",
    "of": "对象",
    "before": "之前",
    "after": "之后",
    "change": "变化",
    "verdict": "结论",
    "figure": "数字",
    "device": "设备",
    "software": "软件",
    # facts
    "name": "名称",
    "count": "卡数",
    "memory": "显存",
    "driver": "驱动",
    "runtime": "运行时",
    "firmware": "固件",
    "machine": "主机",
    "kind": "类型",
    "stated": "自述",
    "synthetic": "合成",
    "edition": "版本",
    "source": "出处",
    "suite": "测试套件",
    "rulings": "解释",
    "begun by": "创建者",
    "signature": "签名",
    "toolchain": "工具链",
    "weights": "权重",
    "True": "是",
    "False": "否",
    # what to do
    "Look at where the difference begins: from the first steps, compare weights, data order, "
    "precision and optimizer; later, compare kernels in float32 on a few hundred steps": (
        "先看差值从哪里开始：若一开始就有，请比对权重、数据顺序、精度与优化器；"
        "若较晚才有，请用 float32 跑几百步比对算子"
    ),
    "Look at the first steps (compilation, data loading) and the slowest ones in the log; then "
    "at the parallel layout, which may differ from the reference's": (
        "先看日志中的前几步（编译、数据加载）和最慢的几步；再看并行策略，它可以与基准不同"
    ),
    "Look at the memory and at the attention kernel of this length: a shorter length that passes "
    "points at either": "检查该长度下的显存与注意力算子：若较短长度通过，问题多在二者之一",
    "Start the engine with this data type and check the checkpoint's quantization_config; layers "
    "that stay in a wider type are named in the message": (
        "以该数据类型启动引擎并检查权重的 quantization_config；仍为更宽类型的层已在消息中列出"
    ),
    "Look at which limit the next load breaks: the first token points at prefill and scheduling, "
    "decode speed at kernels and batching": (
        "看下一档负载超出哪个约束：首token时延多与 prefill 和调度有关，解码速度多与算子和批处理有关"
    ),
    "Read the server's own words in the message; raise its window and memory share, and check how "
    "it extends positions beyond 32K": (
        "先读消息中服务端的原话；提高窗口与显存占比，并检查 32K 以上的位置外推"
    ),
    "Read the answers that flipped: gibberish points at a kernel, cut answers at a limit of tokens, "
    "and equally many flips each way at too few questions": (
        "阅读结果翻转的回答：乱码多为算子问题，被截断多为 token 上限，两个方向翻转数相近则题目太少"
    ),
    "Mend what the message names and run the same command again: what is recorded is not measured "
    "again": "按消息修复后重新运行同一命令：已记录的不会再次测量",
    "Run it: nothing was tried, and silence never certifies": "请运行它：尚未尝试，而沉默不能用于认证",
    "Nothing: this run made a reference": "无：本次运行录制了基准",
}
"""Whole phrases; one that begins with a capital may stand here by its small letter."""

PATTERNS: tuple[tuple[str, str], ...] = (
    (r"Tier ([I, ]+)", r"\1 级"),
    (r"margin (.+)", r"余量 \1"),
    (r"(.+), at least (.+); margin (.+)", r"\1，至少 \2；余量 \3"),
    (r"(.+), at most (.+); margin (.+)", r"\1，至多 \2；余量 \3"),
    (r"(SFT(?:-LoRA)?) (\d+) tokens", r"\1 \2 tokens"),
    # which record a verdict rests on
    (r"training\.run of (.+)", r"训练（\1）"),
    (r"training\.context of (.+)", r"长样本训练（\1）"),
    (r"serving\.facts of (.+)", r"服务端事实（\1）"),
    (r"serving\.context of (.+)", r"长提示（\1）"),
    (r"serving\.load of (.+)", r"负载（\1）"),
    (r"serving\.accuracy of (.+)", r"效果评测（\1）"),
    (r"(\d+) in flight", r"并发 \1"),
    (r"run (\d+)", r"第 \1 次"),
    # the certificate
    (r"(\w+\.\w+\[.+\]) is ([A-Z ]+)", r"\1：\2"),
    (r"(\w+\.\w+\[.+\]): (\w+) claimed (.+), derived (.+)", r"\1：\2，自称 \3，推导得 \4"),
    (r"the edition (.+) doesn't certify: it is a rehearsal", r"版本 \1 不用于认证：它是演练"),
    (r"the reference wasn't recorded on (\w+) or (\w+)", r"基准不是在 \1 或 \2 上录制的"),
    (r"signed by (.+)", r"签名者：\1"),
    (r"(.+) \(key ([0-9a-f]+…)\)", r"\1（密钥 \2）"),
    (r"key ([0-9a-f]+…), which isn't trusted here", r"密钥 \1，此处不受信任"),
    (r"SIGNATURE INVALID: (.+)", r"签名无效：\1"),
)
"""As ``sentences.PATTERNS``."""
