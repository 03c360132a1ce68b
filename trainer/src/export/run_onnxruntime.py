"""Answers of ONNX Runtime, for tests: run_onnxruntime.py MODEL.onnx PICTURES.u8 OUT_DIR [--check]

Writes OUT_DIR/NAME.f32 for each output, photograph after photograph, and prints the operators that ONNX Runtime made of the model.
"""

import os
import sys

import numpy
import onnx
import onnxruntime

model_path, pictures_path, out_dir = sys.argv[1:4]
onnx.checker.check_model(onnx.load(model_path), full_check=True)
options = onnxruntime.SessionOptions()
options.optimized_model_filepath = os.path.join(out_dir, "optimised.onnx")
options.intra_op_num_threads = 1
options.log_severity_level = 3
# Without VNNI, AVX2's multiply-add saturates at 16 bits and the sums are wrong; this asks for the exact ones (no effect elsewhere).
options.add_session_config_entry("session.x64quantprecision", "1")
session = onnxruntime.InferenceSession(model_path, options, providers=["CPUExecutionProvider"])
shape = session.get_inputs()[0].shape
pictures = numpy.fromfile(pictures_path, numpy.uint8).reshape(-1, *shape)
names = [output.name for output in session.get_outputs()]
answers = {name: [] for name in names}
for picture in pictures:
    for name, value in zip(names, session.run(names, {"picture": picture})):
        answers[name].append(value.reshape(-1))
for name, rows in answers.items():
    numpy.stack(rows).astype("<f4").tofile(os.path.join(out_dir, name + ".f32"))
print(" ".join(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node))
