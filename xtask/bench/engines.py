"""The rivals of `cargo xtask bench engines`: ONNX Runtime and ncnn on a bundle's network, one JSON object on stdout, and the files for rten.

    engines.py BUNDLE RUNTIME FORM --side S --threads N --samples N --work FOLDER

RUNTIME and FORM: `onnxruntime int8` (the bundle's own file), `onnxruntime float` (the same weights dequantised, no Quantize nodes),
`ncnn float`, `ncnn int8` (its own form: symmetric activations with the bundle's ranges), `ncnn vulkan-fp32`, `ncnn vulkan-fp16`.
`onnx int8` and `onnx float` measure nothing: they put what ONNX Runtime gets into FOLDER, as FORM-S.onnx and, the bytes of the picture,
FORM-S.picture, and print the path of the former.

Needs onnx, onnxruntime, ncnn and numpy. What a careful user would write: a warm-up as long as ours, one picture at a time, the runtime's own
defaults besides the number of threads.
"""

import argparse
import json
import os
import struct
import tarfile
import time

import numpy as np
import onnx
from onnx import helper, numpy_helper

WARM_UP = 0.7


def network(bundle, side):
    """The bundle's ONNX for pictures of `side`."""
    with tarfile.open(bundle) as file:
        model = onnx.load_from_string(file.extractfile("network.onnx").read())
    for place in (1, 2):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = side
    return model


class Dequantised:
    """The network without Quantize and Dequantize nodes: float weights, and the quantisation of each activation beside."""

    def __init__(self, model):
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.arrays, self.nodes, self.scale = {}, [], {}
        instead = {}
        for node in model.graph.node:
            inputs = [instead.get(name, name) for name in node.input]
            if node.op_type == "DequantizeLinear" and inputs[0] in arrays:
                values, scale = arrays[inputs[0]].astype(np.float64), arrays[inputs[1]].astype(np.float64)
                shape = [-1] + [1] * (values.ndim - 1)
                self.arrays[node.output[0]] = (values * scale.reshape(shape)).astype(np.float32)
            elif node.op_type in ("QuantizeLinear", "DequantizeLinear"):
                if inputs[0] in ("picture", "picture.nchw"):
                    self.pixel = float(arrays[inputs[1]]), int(arrays[inputs[2]])
                instead[node.output[0]] = inputs[0]
                self.scale[inputs[0]] = float(arrays[inputs[1]]), int(arrays[inputs[2]])
            else:
                kept = onnx.NodeProto()
                kept.CopyFrom(node)
                del kept.input[:]
                kept.input.extend(inputs)
                self.nodes.append(kept)
        for node in self.nodes:
            for name in node.input:
                if name in arrays and name not in self.arrays:
                    self.arrays[name] = arrays[name]
        self.outputs = [output.name for output in model.graph.output]

    def attributes(self, node):
        return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def float_model(model):
    """The dequantised network as ONNX; pixels are normalised by a cast, a difference and a product."""
    plain = Dequantised(model)
    scale, zero = plain.pixel
    nodes = []
    for node in plain.nodes:
        nodes.append(node)
        if node.op_type == "Transpose":
            output = node.output[0]
            node.output[0] = output + ".bytes"
            nodes.append(helper.make_node("Cast", [output + ".bytes"], [output + ".float"], to=onnx.TensorProto.FLOAT))
            nodes.append(helper.make_node("Sub", [output + ".float", "pixel.zero"], [output + ".centred"]))
            nodes.append(helper.make_node("Mul", [output + ".centred", "pixel.scale"], [output]))
    plain.arrays["pixel.zero"] = np.float32(zero)
    plain.arrays["pixel.scale"] = np.float32(scale)
    initialisers = [numpy_helper.from_array(np.asarray(value), name) for name, value in plain.arrays.items()]
    graph = helper.make_graph(nodes, "float", model.graph.input, model.graph.output, initialisers)
    made = helper.make_model(graph, opset_imports=model.opset_import)
    made.ir_version = model.ir_version
    return made


def in_form(model, form):
    return float_model(model) if form == "float" else model


def write_onnx(model, form, picture, prefix):
    onnx.save(in_form(model, form), prefix + ".onnx")
    picture.tofile(prefix + ".picture")
    print(prefix + ".onnx")


def write_ncnn(model, prefix, is_int8):
    """The network in ncnn's own form. Tags: 0 is float32, 0x000D4B38 is int8 padded to four bytes."""
    plain = Dequantised(model)
    binary, layers, readers, blobs = bytearray(), [], {}, {}
    for node in plain.nodes:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1
    after = {node.input[0]: node for node in plain.nodes if node.op_type in ("Clip", "Relu")}

    def floats(values):
        binary.extend(np.ascontiguousarray(values, np.float32).tobytes())

    def weights(array, bias, name):
        if not is_int8:
            binary.extend(struct.pack("<I", 0))
            floats(array)
            floats(bias)
            return
        rows = array.reshape(array.shape[0], -1)
        scales = 127 / np.maximum(np.abs(rows).max(1), 1e-9)
        bytes8 = np.clip(np.rint(rows * scales[:, None]), -127, 127).astype(np.int8).tobytes()
        binary.extend(struct.pack("<I", 0x000D4B38) + bytes8 + b"\0" * (-len(bytes8) % 4))
        floats(bias)
        floats(scales)
        step, zero = plain.scale[name]
        floats([127 / (step * max(zero, 255 - zero))])

    def read(name):
        """A blob may be read once: others come from a Split."""
        return blobs[name].pop(0) if isinstance(blobs[name], list) else blobs[name]

    def made(name):
        count = readers.get(name, 0)
        if count > 1:
            copies = [f"{name}_{i}" for i in range(count)]
            layers.append(f"Split split_{name} 1 {count} {name} {' '.join(copies)}")
            blobs[name] = copies
        else:
            blobs[name] = name

    for node in plain.nodes:
        attributes, output = plain.attributes(node), node.output[0]
        if node.op_type == "Transpose":
            layers.append(f"Input {output} 0 1 {output}")
            made(output)
        elif node.op_type in ("Conv", "Gemm"):
            array, bias = plain.arrays[node.input[1]], plain.arrays[node.input[2]]
            final, clamp = output, ""
            if output in after:
                final = after[output].output[0]
                clamp = " 9=3 -23310=2,0.0,6.0" if after[output].op_type == "Clip" else " 9=1"
            if node.op_type == "Gemm":
                kind, settings = "InnerProduct", f"0={array.shape[0]} 1=1 2={array.size}"
            else:
                pads, group = attributes["pads"], attributes["group"]
                kind = "ConvolutionDepthWise" if group > 1 else "Convolution"
                settings = (
                    f"0={array.shape[0]} 1={array.shape[2]} 3={attributes['strides'][0]} 4={pads[1]} 14={pads[0]} "
                    f"15={pads[3]} 16={pads[2]} 5=1 6={array.size}" + (f" 7={group}" if group > 1 else "")
                )
            settings += (" 8=1" if is_int8 else "") + clamp
            layers.append(f"{kind} {node.name} 1 1 {read(node.input[0])} {final} {settings}")
            weights(array, bias, node.input[0])
            made(final)
        elif node.op_type == "Add":
            a, b = read(node.input[0]), read(node.input[1])
            layers.append(f"BinaryOp {node.name} 2 1 {a} {b} {output} 0=0")
            made(output)
        elif node.op_type == "GlobalAveragePool":
            layers.append(f"Pooling {node.name} 1 1 {read(node.input[0])} {output} 0=1 4=1")
            # The flattening is none in ncnn; its readers read the pool.
            flat = next(other.output[0] for other in plain.nodes if other.op_type == "Flatten")
            readers[output] = readers.get(flat, 0)
            plain.scale.setdefault(flat, plain.scale.get(output))
            made(output)
            blobs[flat] = blobs[output]
        elif node.op_type == "LpNormalization":
            layers.append(f"Normalize {node.name} 1 1 {read(node.input[0])} {output} 1=1 2=1e-12 3=1 9=1")
            floats([1.0])
            made(output)
        elif node.op_type not in ("Clip", "Relu", "Flatten"):
            raise SystemExit(f"ncnn: `{node.op_type}` is not written by this script")
    names = {word for layer in layers for word in layer.split()[4:] if "=" not in word}
    with open(prefix + ".param", "w") as file:
        file.write(f"7767517\n{len(layers)} {len(names)}\n" + "\n".join(layers) + "\n")
    with open(prefix + ".bin", "wb") as file:
        file.write(binary)
    return plain


def onnxruntime(model, form, threads):
    import onnxruntime as runtime

    data = in_form(model, form).SerializeToString()
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    started = time.perf_counter()
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    load = time.perf_counter() - started
    return lambda picture: session.run(None, {"picture": picture}), load, runtime.__version__


def ncnn(model, form, threads, prefix):
    import ncnn as library

    plain = write_ncnn(model, prefix, form == "int8")
    started = time.perf_counter()
    net = library.Net()
    net.opt.num_threads = threads
    net.opt.use_vulkan_compute = form.startswith("vulkan")
    if form != "vulkan-fp16":
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    if net.load_param(prefix + ".param") or net.load_model(prefix + ".bin"):
        raise SystemExit("ncnn does not load the network")
    load = time.perf_counter() - started
    scale, zero = plain.pixel
    first = next(node.output[0] for node in plain.nodes if node.op_type == "Transpose")

    def run(picture):
        chw = np.ascontiguousarray((picture[0].transpose(2, 0, 1).astype(np.float32) - zero) * scale)
        extractor = net.create_extractor()
        extractor.input(first, library.Mat(chw))
        results = [extractor.extract(name) for name in plain.outputs]
        return [np.array(result)[None] for _, result in results]

    return run, load, library.__version__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("runtime", choices=["onnxruntime", "ncnn", "onnx"])
    parser.add_argument("form")
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--work", default=".")
    args = parser.parse_args()
    model = network(args.bundle, args.side)
    picture = np.random.default_rng(7).integers(0, 256, (1, args.side, args.side, 3), np.uint8)
    if args.runtime == "onnx":
        write_onnx(model, args.form, picture, os.path.join(args.work, f"{args.form}-{args.side}"))
        return
    if args.runtime == "onnxruntime":
        run, load, version = onnxruntime(model, args.form, args.threads)
    else:
        run, load, version = ncnn(model, args.form, args.threads, os.path.join(args.work, f"ncnn-{args.form}"))
    started = time.perf_counter()
    answer = run(picture)
    first = time.perf_counter() - started
    if not all(np.isfinite(values).all() for values in answer):
        raise SystemExit("the answer is not finite")
    while time.perf_counter() - started < WARM_UP:
        run(picture)
    times = []
    for _ in range(args.samples):
        begun = time.perf_counter()
        run(picture)
        times.append(round((time.perf_counter() - begun) * 1e3, 4))
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    print(
        json.dumps(
            {
                "engine": f"{args.runtime} {version} {args.form}",
                "threads": args.threads,
                "side": args.side,
                "load_ms": round(load * 1e3, 2),
                "first_ms": round(first * 1e3, 3),
                "memory_mib": round(int(status["VmHWM"].split()[0]) / 1024, 1),
                "logits": [round(float(v), 3) for v in answer[0].reshape(-1)[:4]],
                "all_ms": times,
            }
        )
    )


main()
