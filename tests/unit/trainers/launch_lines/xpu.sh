# shared by all
# paddleformers 1.2.0
cat > RUN-FOLDER/train.yaml <<'END'
train_dataset_type: "erniekit"
train_dataset_path: "SUPERVISED-DATA.jsonl"
train_dataset_prob: "1.0"
eval_dataset_type: "erniekit"
eval_dataset_path: "SUPERVISED-DATA.jsonl"
eval_dataset_prob: "1.0"
truncation_strategy: "right"
packing: false
mix_strategy: "concat"
random_shuffle: true
template_backend: "custom"
dataloader_num_workers: 0
model_name_or_path: "RUN-FOLDER/model"
_attn_implementation: "flashmask"
device: "xpu"
do_train: true
do_eval: false
max_steps: 500
per_device_train_batch_size: 1
lr_scheduler_type: "cosine"
adam_beta1: 0.9
adam_epsilon: 1.0e-08
max_grad_norm: 1.0
compute_type: "bf16"
amp_master_grad: true
fp16_opt_level: "O2"
output_dir: "RUN-FOLDER/output"
logging_dir: "RUN-FOLDER/output/visualdl"
overwrite_output_dir: true
logging_steps: 1
disable_tqdm: true
report_to: "none"
save_strategy: "no"
evaluation_strategy: "no"
unified_checkpoint: false
END
export DO_NOT_TRACK=1
export FLAGS_cudnn_deterministic=1
export FLAGS_embedding_deterministic=1
export HF_DATASETS_OFFLINE=1
export HF_HOME=RUN-FOLDER/home
export HF_HUB_DISABLE_TELEMETRY=1
export HF_HUB_OFFLINE=1
export LOG_LOSS_MD5=1
export NCCL_ALGO=Tree
export NVIDIA_TF32_OVERRIDE=0
export PADDLEFORMERS_DIST_LOG=RUN-FOLDER/launcher/host-0
export PF_HOME=RUN-FOLDER/home
export PYTHONHASHSEED=0
export PYTHONNOUSERSITE=1
export PYTHONUNBUFFERED=1
export RANK=0
export TRANSFORMERS_OFFLINE=1
export XDG_CACHE_HOME=RUN-FOLDER/home
TRAINER/bin/python TRAINER/bin/paddleformers-cli train RUN-FOLDER/train.yaml

# ERNIE-4.5-424B-A47B sft at 8192 tokens, on xpu
# recipe a268a26cca8b: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
#   derived: no full SFT of the 424B is published; these are the hyper-parameters of the VL-28B's
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_8k.yaml
#   derived: no full SFT of the 424B is published: the 300B's 8 x 12 cards, times 424/300, as the next number that divides its 54 layers; nobody has tried it
#   derived: xpu from the layout for gpu
# 144 cards on 18 hosts: 1 replica of 8 x 18 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 18 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 8192
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 18
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=18
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 18 --rank 0 --run_mode=collective

# ERNIE-4.5-424B-A47B sft at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 15b21c68be3b: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
#   derived: no full SFT of the 424B is published; these are the hyper-parameters of the VL-28B's
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_8k.yaml
#   derived: no full SFT of the 424B is published: the 300B's 8 x 12 cards, times 424/300, as the next number that divides its 54 layers; nobody has tried it
#   derived: xpu from the layout for gpu
# 144 cards on 18 hosts: 1 replica of 8 x 18 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 18 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 32768
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 18
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=18
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 18 --rank 0 --run_mode=collective

# ERNIE-4.5-424B-A47B sft at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 2e7613fe19dd: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
#   derived: no full SFT of the 424B is published; these are the hyper-parameters of the VL-28B's
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_8k.yaml
#   derived: no full SFT of the 424B is published: the 300B's 8 x 12 cards, times 424/300, as the next number that divides its 54 layers; nobody has tried it
#   derived: xpu from the layout for gpu
# 144 cards on 18 hosts: 1 replica of 8 x 18 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 18 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 131072
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 18
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=18
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 18 --rank 0 --run_mode=collective

# ERNIE-4.5-424B-A47B sft_lora at 8192 tokens, on xpu
# recipe 806c6a05183e: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_{8k,32k}.yaml
#   derived: xpu from the layout for gpu
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 8192
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 0
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-424B-A47B sft_lora at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe b07e8e49caa6: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_{8k,32k}.yaml
#   derived: xpu from the layout for gpu
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 32768
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 0
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-424B-A47B sft_lora at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe fd3a0696a36a: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_32k.yaml
#   derived: LoRA at 128K is published with WINT4/8 weights only (run_sft_wint8mix_lora_128k.yaml); here they stay in bfloat16, as at 32K
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-424B-A47B/sft/run_sft_lora_{8k,32k}.yaml
#   derived: length 131072 from the layout for 32768
#   derived: xpu from the layout for gpu
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-424B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "VL-SFT"
max_seq_len: 131072
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 0
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft at 8192 tokens, on xpu
# recipe b6d2a092ad0e: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-VL-28B-A3B/sft/run_sft_32k.yaml
#   derived: length 8192 from the layout for 32768
# 8 cards on 1 host: 1 replica of 4 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 8192
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 60b6cffc9a9b: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-VL-28B-A3B/sft/run_sft_32k.yaml
# 8 cards on 1 host: 1 replica of 4 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 32768
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 2de3dc4be746: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-VL-28B-A3B/sft/run_sft_32k.yaml
#   derived: length 131072 from the layout for 32768
# 8 cards on 1 host: 1 replica of 4 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 131072
template: "ernie_vl_nothink"
fine_tuning: "full"
freeze_config: "freeze_vision"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 1.0e-05
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft_lora at 8192 tokens, on xpu
# recipe 85e9ac80ac3d: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
#   derived: xpu from the layout for gpu
# 4 cards on 1 host: 1 replica of 2 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 8192
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 2
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft_lora at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 3f2ac473fa61: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
#   derived: xpu from the layout for gpu
# 4 cards on 1 host: 1 replica of 2 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 32768
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 2
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-28B-A3B sft_lora at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe ae8e0a296587: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-VL-28B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
#   derived: xpu from the layout for gpu
# 4 cards on 1 host: 1 replica of 2 x 2 (tensor x pipeline), 4 micro batches of 1 each, 4 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-VL-28B-A3B
stage: "VL-SFT"
max_seq_len: 131072
template: "ernie_vl_nothink"
fine_tuning: "lora"
lora_rank: 32
freeze_config: "freeze_vision"
tensor_model_parallel_size: 2
pipeline_model_parallel_size: 2
scale_loss: 4096.0
moe_gate_lr_ratio: 0.01
seed: 42
gradient_accumulation_steps: 4
learning_rate: 0.0003
min_lr: 1.0e-06
warmup_steps: 100
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft at 8192 tokens, on xpu
# recipe f1173216c7e5: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_8k.yaml; docs/devices/README_XPU.md has 8 x 14
# 96 cards on 12 hosts: 1 replica of 8 x 12 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 12 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 12
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=12
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 12 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe c8dcc8f16ea1: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_32k.yaml
# 112 cards on 14 hosts: 1 replica of 8 x 14 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 14 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 14
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=14
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 14 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe e3585bf3e9c2: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_128k.yaml
#   derived: published with the optimizer's moments in bfloat16; here they are float32, as at 8K and 32K
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_32k.yaml
#   derived: length 131072 from the layout for 32768
# 112 cards on 14 hosts: 1 replica of 8 x 14 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 14 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 14
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=14
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 14 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft_lora at 8192 tokens, on xpu
# recipe b3534bdb8917: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.999
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft_lora at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 3229061ec20e: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_lora_{8k,32k}.yaml
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.999
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-300B-A47B sft_lora at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 79e1979bf4b8: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-300B-A47B/sft/run_sft_lora_32k.yaml
#   derived: LoRA at 128K is published with WINT4/8 weights only (run_sft_wint8mix_lora_128k.yaml, learning rate 1e-5); here they stay in bfloat16, with the learning rate of 32K
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-300B-A47B/sft/run_sft_lora_{8k,32k}.yaml
#   derived: length 131072 from the layout for 32768
# 16 cards on 2 hosts: 1 replica of 8 x 2 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-300B-A47B
# on each of the 2 hosts, with RANK=0, 1, ...; they share the folder
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 8
pipeline_model_parallel_size: 2
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.999
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=FIRST-HOST
export MASTER_PORT=8090
export NNODES=2
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3,4,5,6,7 --master FIRST-HOST:8090 --nnodes 2 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft at 8192 tokens, on xpu
# recipe b363f742a8fa: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe f5c7bfe598f3: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe b07c0176484b: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft_lora at 8192 tokens, on xpu
# recipe 623c50ca6cfb: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft_lora at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 58303bd9f3b7: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-21B-A3B sft_lora at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe ecd2d1bc9368: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-21B-A3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# 4 cards on 1 host: 1 replica of 4 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-21B-A3B
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
tensor_model_parallel_size: 4
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
moe_group: "mp"
sequence_parallel: true
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0,1,2,3
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0,1,2,3 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft at 8192 tokens, on xpu
# recipe c83f0a00c457: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_8k.yaml
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
tensorwise_offload_optimizer: true
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe bfc50f4af500: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_{8k,32k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_{32k,128k}.yaml
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe ed70413b895e: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_128k.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_{32k,128k}.yaml
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 16 micro batches of 1 each, 16 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "full"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 16
learning_rate: 1.0e-05
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.1
adam_beta2: 0.95
recompute_granularity: "full"
tensorwise_offload_optimizer: true
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft_lora at 8192 tokens, on xpu
# recipe 951e1dfdd935: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k}.yaml
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 8192
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
lora_path: "RUN-FOLDER/lora-start"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.01
adam_beta2: 0.95
tensorwise_offload_optimizer: true
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft_lora at 32768 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 8ce38d30913b: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k}.yaml
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 32768
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
lora_path: "RUN-FOLDER/lora-start"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.01
adam_beta2: 0.95
tensorwise_offload_optimizer: true
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective

# ERNIE-4.5-0.3B sft_lora at 131072 tokens, on xpu
# the suite trains at this length with samples filled to it (R12): add --filled
# recipe 11e68112901c: PaddlePaddle/ERNIE, examples/configs/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k,128k}.yaml
# layout: PaddlePaddle/ERNIE, examples/configs/xpu/ERNIE-4.5-0.3B/sft/run_sft_lora_{8k,32k}.yaml
#   derived: length 131072 from the layout for 32768, with recomputation
# 1 card on 1 host: 1 replica of 1 x 1 (tensor x pipeline), 8 micro batches of 1 each, 8 samples a step
# RUN-FOLDER/model: links to the files of baidu/ERNIE-4.5-0.3B
stage: "SFT"
max_seq_len: 131072
template: "ernie_nothink"
fine_tuning: "lora"
lora_rank: 32
lora_path: "RUN-FOLDER/lora-start"
tensor_model_parallel_size: 1
pipeline_model_parallel_size: 1
seed: 23
gradient_accumulation_steps: 8
learning_rate: 0.0001
min_lr: 0.0
warmup_steps: 20
weight_decay: 0.01
adam_beta2: 0.95
tensorwise_offload_optimizer: true
recompute_granularity: "full"
recompute_method: "uniform"
recompute_num_layers: 1
export MASTER_ADDR=127.0.0.1
export MASTER_PORT=FREE-PORT
export NNODES=1
export XPU_VISIBLE_DEVICES=0
# which starts python -m paddle.distributed.launch --log_dir RUN-FOLDER/launcher/host-0 --xpus 0 --master 127.0.0.1:PORT --nnodes 1 --rank 0 --run_mode=collective
