# ERNIE-4.5-21B-A3B in wint8, window 32768, on iluvatar
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/iluvatar_gpu.md
# the first of 16 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7 and 8 and 9 and 10 and 11 and 12 and 13 and 14 and 15, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export FD_SAMPLING_CLASS=rejection
export PADDLE_XCCL_BACKEND=iluvatar_gpu
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-21B-A3B-Paddle \
    --served-model-name ERNIE-4.5-21B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --block-size 16

# ERNIE-4.5-28B-A3B in wint8, window 32768, on iluvatar
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/iluvatar_gpu.md
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=2,3 and 4,5 and 6,7 and 8,9 and 10,11 and 12,13 and 14,15, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export FD_SAMPLING_CLASS=rejection
export PADDLE_XCCL_BACKEND=iluvatar_gpu
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186 \
    --tensor-parallel-size 2 \
    --max-model-len 32768 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --block-size 16 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-300B-A47B in wint8, window 2048, on iluvatar
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/iluvatar_gpu.md; the window is FastDeploy's default
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export FD_SAMPLING_CLASS=rejection
export PADDLE_XCCL_BACKEND=iluvatar_gpu
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192,8193,8194,8195,8196,8197,8198,8199,8200 \
    --tensor-parallel-size 16 \
    --max-model-len 2048 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --block-size 16
