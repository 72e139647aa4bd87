# ERNIE-4.5-300B-A47B in wint4, window 32768, on gcu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/Enflame_gcu.md
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export TOPS_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-model-len 32768 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --num-gpu-blocks-override 4096 \
    --max-num-batched-tokens 32768
