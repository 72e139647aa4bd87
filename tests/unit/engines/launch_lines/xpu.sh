# ERNIE-4.5-424B-A47B in wint8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 8 * 32768 / 131072 = 2
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: wint4 from the configuration for wint8
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: wint4 from the configuration for wint8
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in wint4, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 8 * 32768 / 131072 = 2
#   derived: wint4 from the configuration for wint8
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 8 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-424B-A47B in w4a8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 8 * 32768 / 131072 = 2
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-424B-A47B
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.7 \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in wint8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in wint8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in wint8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 10 * 32768 / 131072 = 2
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint8 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in wint4, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in wint4, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in wint4, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 10 * 32768 / 131072 = 2
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --quantization wint4 \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl \
    --load-choices default

# ERNIE-4.5-28B-A3B in w4a8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in w4a8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 10 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-28B-A3B in w4a8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 10 * 32768 / 131072 = 2
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-28B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-model-len 131072 \
    --max-num-seqs 2 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --load-choices default \
    --limit-mm-per-prompt '{"image": 10, "video": 3}' \
    --mm-processor-kwargs '{"video_max_frames": 30}' \
    --reasoning-parser ernie-45-vl

# ERNIE-4.5-300B-A47B in wint8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint8-p800-tp8.yaml
#   derived: window 8192 from the configuration for 32768
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 80 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint8

# ERNIE-4.5-300B-A47B in wint8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint8-p800-tp8.yaml
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 80 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint8

# ERNIE-4.5-300B-A47B in wint8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint8-p800-tp8.yaml
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 80 * 32768 / 131072 = 20
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 20 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint8

# ERNIE-4.5-300B-A47B in wint4, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint4-p800-tp4.yaml and docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
# the first of 2 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3
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
    --max-num-seqs 40 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint4 \
    --load-choices default

# ERNIE-4.5-300B-A47B in wint4, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-32k-wint4-p800-tp4.yaml and docs/usage/kunlunxin_xpu_deployment.md
# the first of 2 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3
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
    --max-num-seqs 40 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint4 \
    --load-choices default

# ERNIE-4.5-300B-A47B in wint4, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, benchmarks/yaml/eb45-128k-wint4-p800-tp8.yaml
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3,4,5,6,7
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
    --max-num-seqs 40 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.85 \
    --quantization wint4

# ERNIE-4.5-300B-A47B in w4a8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md, without its --quantization W4A8, which the checkpoint overrides
#   derived: window 8192 from the configuration for 32768
# the first of 2 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3
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
    --max-num-seqs 64 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-300B-A47B in w4a8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md, without its --quantization W4A8, which the checkpoint overrides
# the first of 2 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3
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
    --max-num-seqs 64 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-300B-A47B in w4a8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md, without its --quantization W4A8, which the checkpoint overrides
#   derived: window 131072 from the configuration for 32768, with max-num-seqs 64 * 32768 / 131072 = 16
# the first of 2 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=4,5,6,7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0,1,2,3
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
    --max-num-seqs 16 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-21B-A3B in wint8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-21B-A3B in wint8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-21B-A3B in wint8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-21B-A3B in wint4, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-21B-A3B in wint4, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-21B-A3B in wint4, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-21B-A3B in w4a8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-21B-A3B in w4a8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-21B-A3B in w4a8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint4
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-21B-A3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-0.3B in wint8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-0.3B in wint8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-0.3B in wint8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# published: PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint8

# ERNIE-4.5-0.3B in wint4, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-0.3B in wint4, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-0.3B in wint4, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: wint4 from the configuration for wint8
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --quantization wint4

# ERNIE-4.5-0.3B in w4a8, window 8192, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: window 8192 from the configuration for 32768
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-0.3B in w4a8, window 32768, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --gpu-memory-utilization 0.9 \
    --load-choices default

# ERNIE-4.5-0.3B in w4a8, window 131072, on xpu
# fastdeploy 2.5, assumed: it is not looked at here
# derived from PaddlePaddle/FastDeploy, docs/usage/kunlunxin_xpu_deployment.md
#   derived: w4a8 from the configuration for wint8
#   derived: nobody publishes a w4a8 checkpoint of ERNIE-4.5-0.3B
# the first of 8 equal servers behind one client; the others have XPU_VISIBLE_DEVICES=1 and 2 and 3 and 4 and 5 and 6 and 7, ports and a folder of their own
export DO_NOT_TRACK=1
export FD_API_KEY='(set)'
export FD_LOG_DIR=SERVER-FOLDER/log
export XPU_VISIBLE_DEVICES=0
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
    --max-num-seqs 128 \
    --max-concurrency 4096 \
    --no-enable-prefix-caching \
    --gpu-memory-utilization 0.9 \
    --load-choices default
