"""
Why something couldn't be judged, in Chinese: what evidence, engines and trainers say most often.

How a message is put together (errors.py) is translated whatever it says; what a server or a log said
stays in its own words.
"""

from __future__ import annotations

_N = r"([−+-]?[\d.,e+-]+)"

PHRASES: dict[str, str] = {
    "Run without --offline on the device to measure it": "请在设备上去掉 --offline 运行以进行测量",
    "Record one on the benchmark's hardware with --record-reference, and name its folder with --reference": (
        "请在基准硬件上用 --record-reference 录制，并以 --reference 给出其目录"
    ),
    "Record it on the reference's machine with --record-reference": (
        "请在基准的机器上用 --record-reference 录制"
    ),
    "Record the reference anew with this version of the suite": "请用本版本套件重新录制基准",
    "Measure it again with --fresh REASON": "请用 --fresh REASON 重新测量",
    "Keep this folder for whoever certifies, and measure into a new one with --evidence": (
        "请为认证方保留此目录，并用 --evidence 在新目录中测量"
    ),
    "Keep the evidence of each device, driver and toolchain in a folder of its own": (
        "请为每种设备、驱动与工具链使用各自的证据目录"
    ),
    "Give that one with --challenge, or another folder with --evidence": (
        "请用 --challenge 给出该挑战码，或用 --evidence 换一个目录"
    ),
    "Raise the limit of open files (ulimit -n) on the host that measures": (
        "请提高测量主机的打开文件数上限（ulimit -n）"
    ),
    "Its log tells why; it isn't started again, so that a flaky server can't pass": (
        "原因见其日志；不会再次启动，以免不稳定的服务端通过"
    ),
    "It is started again, once in a run, as the site file allows": (
        "按 site 文件的允许，本次运行中再启动一次"
    ),
    "The log's end tells how far it came": "日志末尾说明进行到哪里",
    "The log has the traceback": "日志中有调用栈",
    "Look for what opens ports on this machine": "请检查本机上哪个程序占用端口",
    "Name its interpreter: [engine] python": "请在 [engine] python 中给出其解释器",
    "Install libgomp (Debian and Ubuntu: apt-get install libgomp1)": (
        "请安装 libgomp（Debian 与 Ubuntu：apt-get install libgomp1）"
    ),
    "Add this machine's name to /etc/hosts, after 127.0.0.1": "请把本机名写入 /etc/hosts 的 127.0.0.1 之后",
    "Make room: df -h, /dev/shm included": "请腾出空间：df -h，包括 /dev/shm",
    "the server died": "服务端退出",
    "Record it anew": "请重新录制",
    "this is the reference's own measurement, and nothing is compared with itself": (
        "这是基准自己的测量，不能与自身比较"
    ),
    "Give the reference as --reference and the candidate's own folder as --evidence": (
        "请用 --reference 给出基准，用 --evidence 给出被测自己的目录"
    ),
    "start of LoRA": "LoRA 初值",
    # evidence
    "candidate and reference don't train by the same recipe, so they can't be compared": (
        "被测与基准的训练配置不同，无法比较"
    ),
    "a blob of the evidence is gone": "证据中的一个数据块不见了",
    "a blob of the evidence was changed": "证据中的一个数据块被改动了",
    "a record's spec isn't the one of its digest": "一条记录的规格与其摘要不符",
    "a subject's facts aren't those of its digest": "一个对象的事实与其摘要不符",
    "a record names a subject that isn't there": "一条记录指向不存在的对象",
    "the evidence was recorded under another challenge": "证据是在另一个挑战码下录制的",
    "a question was answered twice, and which answer counts can't be told": (
        "一道题被回答了两次，无法确定以哪次为准"
    ),
    "codes were hidden in the prompt that aren't the challenge's": "提示中藏的码不是该挑战码的",
    # engines and trainers
    "its log names no cause": "日志没有说明原因",
    "the server died between two measurements": "服务端在两次测量之间退出",
    "the server counts no prompt tokens": "服务端不统计 prompt tokens",
    "the first question was not answered": "第一个问题没有得到应答",
    "the server doesn't list the model": "服务端没有列出该模型",
    "its port is already in use": "端口已被占用",
    "it ran out of memory": "内存（或显存）不足",
    "the window is longer than the checkpoint allows": "窗口超过权重允许的长度",
    "it doesn't know the quantization": "不认识该量化方式",
    "it has no kernel for this quantization on this device": "在该设备上没有此量化的算子",
    "it doesn't know the model's architecture": "不认识该模型结构",
    "the disk or the shared memory is full": "磁盘或共享内存已满",
    "this machine's name isn't resolvable": "本机名无法解析",
    "a package or library is missing": "缺少软件包或库",
    "it refuses its command line": "不接受命令行参数",
    "the checkpoint isn't there or isn't complete": "权重不存在或不完整",
    "a worker crashed": "一个 worker 崩溃",
    "a worker was killed (SIGKILL), most often because the machine ran out of memory": (
        "一个 worker 被杀死（SIGKILL），多因内存不足"
    ),
    "it was killed (SIGKILL), most often because the machine ran out of memory": (
        "进程被杀死（SIGKILL），多因内存不足"
    ),
    "the load client couldn't open its connections": "负载客户端无法打开连接",
    "a load client died, and the run with it": "负载客户端进程退出，运行随之中止",
    "the log shows no step": "日志中没有任何一步",
}

PATTERNS: tuple[tuple[str, str], ...] = (
    (r"nothing is recorded for (.+?)\.?", r"没有 \1 的记录"),
    (r"the reference holds no (.+)", r"基准中没有 \1"),
    (r"got (.+)", r"实为 \1"),
    (r"wanted (.+)", r"应为 \1"),
    (r"the test itself broke off: (.+)", r"测试本身中断：\1"),
    (r"skipped: (.+)", r"被跳过：\1"),
    (r"in an earlier attempt (.+)", r"在此前的尝试中，\1"),
    (
        r"attempts: (\d+) at (\d+) measurements?, (\d+) of them completed(; measured again because: .+)?",
        r"对 \2 项测量共尝试 \1 次，完成 \3 次\4",
    ),
    (r"; measured again because: (.+)", r"；重测原因：\1"),
    (r"(\d+) devices or software states answer for (.+)", r"有 \1 种设备或软件状态对应 \2"),
    (
        r"two recordings of the reference don't have the same (.+), so they show no noise",
        r"基准的两次录制\1不同，不能说明噪声",
    ),
    (r"the evidence was altered: (.+)", r"证据被改动：\1"),
    (r"the journal isn't whole: (.+)", r"日志链不完整：\1"),
    (r"a record can't be read \((.+)\)", r"一条记录无法读取（\1）"),
    (r"(.+) ended without a result", r"\1 结束时没有结果"),
    (
        r"the server died while it answered a prompt of (\d+) tokens",
        r"服务端在应答 \1 tokens 的提示时退出",
    ),
    (r"the server died while it answered (.+)", r"服务端在应答 \1 时退出"),
    (r"the server died at (\d+) requests in flight", r"服务端在并发 \1 时退出"),
    (r"the server died after it had started", r"服务端启动后退出"),
    (
        r"the server answers no question any more: the last (\d+) failed",
        r"服务端不再应答：最近 \1 个问题均失败",
    ),
    (r"(\S+) died while starting: (.+)", r"\1 在启动时退出：\2"),
    (r"(\S+) stopped moving while it started", r"\1 在启动中停滞"),
    (r"(\S+) didn't get ready in time", r"\1 未能按时就绪"),
    (r"a worker of (\S+) died while it started", r"\1 的一个 worker 在启动时退出"),
    (r"(\S+) found its port taken each time it started", r"\1 每次启动时端口都被占用"),
    (rf"nothing for {_N} s, after {_N} s", r"\2 s 后有 \1 s 没有任何进展"),
    (r"it left with exit code (-?\d+)", r"退出码 \1"),
    (
        r"the trainer ended with exit code (-?\d+) before its first step: (.+)",
        r"训练进程在首步之前以退出码 \1 结束：\2",
    ),
    (
        r"the trainer ended with exit code (-?\d+) after step (\d+): (.+)",
        r"训练进程在第 \2 步之后以退出码 \1 结束：\3",
    ),
    (r"out of memory: (.+)", r"内存不足：\1"),
    (r"the disk is full: (.+)", r"磁盘已满：\1"),
    (r"killed by signal (\d+)(.*)", r"被信号 \1 终止\2"),
    (r"step (\d+) is missing", r"缺第 \1 步"),
    (r"steps (\d+)\.\.(\d+) are missing", r"缺第 \1..\2 步"),
    (r"line (\d+): (.+)", r"第 \1 行：\2"),
    (r"step (\d+) comes after step (\d+)", r"第 \1 步出现在第 \2 步之后"),
    (
        rf"step (\d+) is repeated with another loss \({_N} and {_N}\)",
        r"第 \1 步重复出现且 loss 不同（\2 与 \3）",
    ),
    (r"the cards were slowed down while they were measured: (.+)", r"测量期间卡被降速：\1"),
    (r"(.+) in (\d+%) of the readings", r"\1（占读数的 \2）"),
    (
        r"(\d+) uncorrected memory errors of a card appeared while it was measured",
        r"测量期间某卡出现 \1 个无法纠正的内存错误",
    ),
)
"""As ``chinese.PATTERNS``."""
