# ERNIE-4.5-424B-A47B in wint8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint8-a800-tp8.yaml
#   derived: window 8192 from the configuration for 32768
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 8192 \
    --max-num-seqs 36 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.855 \
    --quantization wint8 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint8-a800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 32768 \
    --max-num-seqs 36 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.855 \
    --quantization wint8 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint8-a800-tp8.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 36 * 32768 / 131072 = 9
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 131072 \
    --max-num-seqs 9 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.855 \
    --quantization wint8 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint4-a800-tp8.yaml
#   derived: window 8192 from the configuration for 32768
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 8192 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint4 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint4-a800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 32768 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint4 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-128k-wint4-h800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-424B-A47B-Paddle \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 131072 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.8 \
    --quantization wint4 \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint4-a800-tp8.yaml
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-424B-A47B \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 8192 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --load-choices default \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-32k-wint4-a800-tp8.yaml
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-424B-A47B \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 32768 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --load-choices default \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-128k-wint4-h800-tp8.yaml
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-424B-A47B \
    --served-model-name ERNIE-4.5-424B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188,8189,8190,8191,8192 \
    --tensor-parallel-size 8 \
    --max-model-len 131072 \
    --max-num-seqs 56 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.8 \
    --load-choices default \
    --kv-cache-ratio 0.8 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint8-a800-tp1.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8 \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint8-a800-tp1.yaml
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8 \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint8-a800-tp1.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8 \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint4, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint4-a800-tp1.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4 \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint4, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint4-a800-tp1.yaml
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-VL-28B-A3B-Paddle \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4 \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint4, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-VL-28B-A3B-Paddle.md, example 2
# the first of 4 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=2,3 and 4,5 and 6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 131072 \
    --max-num-seqs 256 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in w4a8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint4-a800-tp1.yaml
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-28B-A3B \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in w4a8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-vl-lite-32k-wint4-a800-tp1.yaml
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-28B-A3B \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default \
    --kv-cache-ratio 0.71 \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --enable-chunked-prefill \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in w4a8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-VL-28B-A3B-Paddle.md, example 2
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 4 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=2,3 and 4,5 and 6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-28B-A3B \
    --served-model-name ERNIE-4.5-28B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186 \
    --tensor-parallel-size 2 \
    --max-model-len 131072 \
    --max-num-seqs 256 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 100, "video": 100}' \
    --max-num-batched-tokens 384 \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-300B-A47B in wint8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint8-a800-tp8.yaml
#   derived: window 8192 from the configuration for 32768
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 8192 \
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint8 \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in wint8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint8-a800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint8 \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in wint8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-128k-wint8-a800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 131072 \
    --max-num-seqs 16 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --enable-chunked-prefill \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 4096 \
    --max-num-partial-prefills 3 \
    --max-long-partial-prefills 3

# ERNIE-4.5-300B-A47B in wint4, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint4-a800-tp4.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 2 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1,2,3
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188 \
    --tensor-parallel-size 4 \
    --max-model-len 8192 \
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4 \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in wint4, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint4-a800-tp4.yaml
# the first of 2 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1,2,3
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188 \
    --tensor-parallel-size 4 \
    --max-model-len 32768 \
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4 \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in wint4, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-128k-wint4-a800-tp8.yaml
export CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 131072 \
    --max-num-seqs 16 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --enable-chunked-prefill \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 4096 \
    --max-num-partial-prefills 3 \
    --max-long-partial-prefills 3

# ERNIE-4.5-300B-A47B in w4a8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-w4a8c8-a800-tp4.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 2 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1,2,3
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188 \
    --tensor-parallel-size 4 \
    --max-model-len 8192 \
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --load-choices default \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in w4a8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-w4a8c8-a800-tp4.yaml
# the first of 2 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1,2,3
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188 \
    --tensor-parallel-size 4 \
    --max-model-len 32768 \
    --max-num-seqs 96 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --load-choices default \
    --kv-cache-ratio 0.71

# ERNIE-4.5-300B-A47B in w4a8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-w4a8c8-a800-tp4.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 96 * 32768 / 131072 = 24
# the first of 2 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0,1,2,3
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-300B-A47B-W4A8C8-TP4-Paddle \
    --served-model-name ERNIE-4.5-300B-A47B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185,8186,8187,8188 \
    --tensor-parallel-size 4 \
    --max-model-len 131072 \
    --max-num-seqs 24 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --load-choices default \
    --kv-cache-ratio 0.71

# ERNIE-4.5-21B-A3B in wint8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint8.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in wint8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint8.yaml
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in wint8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint8.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in wint4, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in wint4, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in wint4, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
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
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in w4a8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-21B-A3B \
    --served-model-name ERNIE-4.5-21B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in w4a8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-21B-A3B \
    --served-model-name ERNIE-4.5-21B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-21B-A3B in w4a8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-21b-a3b-32k-wint4.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-21B-A3B \
    --served-model-name ERNIE-4.5-21B-A3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --kv-cache-ratio 0.75 \
    --max-num-batched-tokens 32768

# ERNIE-4.5-0.3B in wint8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45t_0dot3b-32k-wint8-a30-tp1-static.yaml, without its static graph
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75

# ERNIE-4.5-0.3B in wint8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45t_0dot3b-32k-wint8-a30-tp1-static.yaml, without its static graph
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75

# ERNIE-4.5-0.3B in wint8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45t_0dot3b-32k-wint8-a30-tp1-static.yaml, without its static graph
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --kv-cache-ratio 0.75

# ERNIE-4.5-0.3B in wint4, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'

# ERNIE-4.5-0.3B in wint4, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'

# ERNIE-4.5-0.3B in wint4, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model baidu/ERNIE-4.5-0.3B-Paddle \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'

# ERNIE-4.5-0.3B in w4a8, window 8192, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-0.3B \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 8192 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'

# ERNIE-4.5-0.3B in w4a8, window 32768, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-0.3B \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 32768 \
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'

# ERNIE-4.5-0.3B in w4a8, window 131072, on gpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/best_practices/ERNIE-4.5-0.3B-Paddle.md, with the data type of dense layers named
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 128 * 32768 / 131072 = 32
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have CUDA_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export CUDA_VISIBLE_DEVICES=0
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
python -m fastdeploy.entrypoints.openai.api_server \
    --model YOUR-W4A8-WEIGHTS-OF-ERNIE-4.5-0.3B \
    --served-model-name ERNIE-4.5-0.3B \
    --host 127.0.0.1 \
    --port 8180 \
    --engine-worker-queue-port 8182 \
    --cache-queue-port 8183 \
    --pd-comm-port 8184 \
    --rdma-comm-ports 8185 \
    --tensor-parallel-size 1 \
    --max-model-len 131072 \
    --max-num-seqs 32 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --quantization '{"quantization": "mix_quant", "dense_quant_type": "wint4", "moe_quant_type": "wint4"}'
