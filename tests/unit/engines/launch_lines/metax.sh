# ERNIE-4.5-21B-A3B in wint8, window 256, on metax
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/get_started/installation/metax_gpu.md, its offline example
# the first of 8 equal servers behind one client; the others have MACA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export MACA_VISIBLE_DEVICES=0
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
    --max-model-len 256 \
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8
