"""
What a report says, in Chinese: whole phrases, and patterns for sentences that hold figures.

Terms are the standard's own (上下文长度, 数据类型支持, 首token时延, 解码速度, 单机TPS, 效果). What a
pattern's group holds is translated again where that is known; figures, names and quotations stay as they are.
"""

from __future__ import annotations

from pytest_ernie.report import chinese_training

PHRASES: dict[str, str] = {
    **chinese_training.PHRASES,
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
    "Reference": "基准",
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
    "Scope": "范围",
    "Evidence": "证据",
    "Reference evidence": "基准证据",
    "Edition": "版本",
    "Signature": "签名",
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
    # a criterion
    "measured": "实测",
    "required": "要求",
    "confidence": "置信度",
    "what to do": "建议",
    "choose it alone": "单独运行",
    "evidence": "证据",
    "Measured": "实测",
    "Required": "要求",
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
    # pictures
    "loss": "loss",
    "difference": "差值",
    "step": "step",
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
    # verdicts
    "recorded as a reference; nothing was compared": "已作为基准录制；没有进行比较",
    "the test formed no verdict": "测试没有形成结论",
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
    "weak: it crosses the limit": "较弱：区间跨过界限",
}

_N = r"([−+-]?[\d.,e+-]+|nan|inf)"
PATTERNS: tuple[tuple[str, str], ...] = (
    *chinese_training.PATTERNS,
    (r"Tier ([I, ]+)", r"\1 级"),
    (r"margin (.+)", r"余量 \1"),
    (rf"{_N} outliers", r"\1 个 outlier"),
    (rf"{_N} tokens", r"\1 tokens"),
    (rf"counts: {_N} tok/s", r"有效：\1 tok/s"),
    (rf"{_N} lost, {_N} won", r"丢 \1 题，得 \2 题"),
    (rf"{_N} lost", r"丢 \1 题"),
    (rf"{_N}, reference {_N}", r"\1，基准 \2"),
    (r"(.+), at least (.+); margin (.+)", r"\1，至少 \2；余量 \3"),
    (r"(.+), at most (.+); margin (.+)", r"\1，至多 \2；余量 \3"),
    (r"Loss, (.+)", r"loss 曲线，\1"),
    (r"Training at the context lengths, (.+)", r"各上下文长度的训练，\1"),
    (r"Serving throughput, (.+), workload (.+)", r"推理性能，\1，负载 \2"),
    (r"Latency at that load, (.+), workload (.+)", r"该负载下的时延分布，\1，负载 \2"),
    (r"Needles in long prompts, (.+)", r"长提示中的针，\1"),
    (r"Accuracy, (.+)", r"效果，\1"),
    (r"without the reference: (.+)", r"没有基准：\1"),
    (r"(SFT(?:-LoRA)?) (\d+) tokens", r"\1 \2 tokens"),
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
    (r"(nan|inf) at step (\d+)", r"第 \2 步为 \1"),
    (
        r"the (candidate|reference)'s log has no loss for step (\d+)( and \d+ more)?; "
        r"a missing step is never skipped",
        r"\1日志缺第 \2 步的 loss\3；缺失的步不会被跳过",
    ),
    (r" and (\d+) more", r" 等另外 \1 步"),
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
    (
        rf"(\d+) in flight: {_N} % of the requests failed, at most {_N} % may(.*)",
        r"并发 \1：\2 % 的请求失败，至多允许 \3 %\4",
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
    # data type
    (r"(\w+): weights (.+), activations (.+)", r"\1：权重 \2，激活 \3"),
    (r"(.+) in experts and (.+) elsewhere", r"专家层 \1、其余 \2"),
    (r"(\d+) weight matrices: (.+); activations (.+)", r"\1 个权重矩阵：\2；激活 \3"),
    (r"([\d x\w, ]+); activations (.+)", r"\1；激活 \2"),
    (
        r"the weights are (.+), but the engine doesn't show the type of the activations(?:\. (.+))?",
        r"权重为 \1，但引擎没有给出激活的类型。\2",
    ),
    # accuracy
    (
        rf"{_N} points on (\d+) questions, the reference has {_N}; a difference of {_N} is allowed",
        r"\2 题得 \1 分，基准 \3 分；允许相差 \4 分",
    ),
    (
        rf"weak: the (\d+%) interval of the difference is {_N} to {_N} points and crosses the limit",
        r"较弱：差值的 \1 置信区间为 \2 至 \3 分，跨过界限",
    ),
    (
        rf"(\d+%) interval of the difference: {_N} to {_N} points(; weak: it crosses the limit)?",
        r"差值的 \1 置信区间：\2 至 \3 分\4",
    ),
    (r"; weak: it crosses the limit", r"；较弱：区间跨过界限"),
    # the certificate
    (r"(\w+\.\w+\[.+\]) is ([A-Z ]+)", r"\1：\2"),
    (r"the edition (.+) doesn't certify: it is a rehearsal", r"版本 \1 不用于认证：它是演练"),
    (r"the reference wasn't recorded on (\w+) or (\w+)", r"基准不是在 \1 或 \2 上录制的"),
    # evidence
    (
        r"attempts: (\d+) at (\d+) measurements?, (\d+) of them completed",
        r"对 \2 项测量共尝试 \1 次，完成 \3 次",
    ),
    (r"measured again because: (.+)", r"重测原因：\1"),
    (
        r"(.+): nothing is recorded for (.+)\. Run without --offline on the device to measure it",
        r"\1：没有 \2 的记录。请在设备上去掉 --offline 运行以进行测量",
    ),
    (r"nothing is recorded for (.+)", r"没有 \1 的记录"),
    (r"signed by (.+)", r"签名者：\1"),
    (r"SIGNATURE INVALID: (.+)", r"签名无效：\1"),
)
"""Pattern of a whole English sentence, and what to say instead; ``\\1`` is its first group."""
