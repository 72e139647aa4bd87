# ERNIE-4.5-300B-A47B in wint8, window 2048, on dcu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/hygon_dcu.md; the window is FastDeploy's default
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_ATTENTION_BACKEND=BLOCK_ATTN
export FD_LOG_DIR=SERVER-FOLDER/log
export HIP_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 2048 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.8 \
    --quantization wint8
