"""Download PyTorch's wheels, check them, and keep what the trainer links: headers and CPU libraries.

usage: libtorch.py FOLDER

Any Python 3.8 with pip serves: the wheels are asked for by name of an interpreter, and never installed.
FOLDER appears complete or not at all.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

WHEELS = {
    "torch==2.11.0": "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    "nvidia-cuda-runtime==13.0.96": "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    "nvidia-cuda-cupti==13.0.85": "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
}
PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_25_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
FOLDERS = ("torch/include/",)
FILES = {
    "torch/lib/libc10.so",
    "torch/lib/libtorch.so",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libgomp.so.1",
    "torch/lib/libshm.so",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcupti.so.13",
}


def fail(what, hint):
    sys.exit("error: %s\n\nhint: %s" % (what, hint))


def download(requirement, folder):
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
    command += ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    os.makedirs(folder)
    # pip's own cache would keep a second copy of half a gigabyte.
    if subprocess.call(command + ["--no-cache-dir", "--progress-bar", "off", "--quiet", "--dest", folder, requirement]) != 0:
        fail("`pip download %s` failed" % requirement, "is pip there (`apt-get install python3-pip`), and the network?")
    names = os.listdir(folder)
    if len(names) != 1:
        fail("`pip download %s` gave %s" % (requirement, names), "run `cargo xtask setup` again")
    return os.path.join(folder, names[0])


def check(path, expected):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    if digest.hexdigest() != expected:
        fail("`%s` is not the file that was tried: expected sha256 %s, found %s" % (path, expected, digest.hexdigest()), "run `cargo xtask setup` again, or look at pip's index")


def main(target):
    partial = "%s.partial-%d" % (target, os.getpid())
    os.makedirs(partial)
    try:
        for number, (requirement, sha256) in enumerate(WHEELS.items()):
            wheels = os.path.join(partial, "wheel-%d" % number)
            wheel = download(requirement, wheels)
            check(wheel, sha256)
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if name in FILES or name.startswith(FOLDERS):
                        archive.extract(name, partial)
            shutil.rmtree(wheels)
        missing = [name for name in sorted(FILES) if not os.path.isfile(os.path.join(partial, name))]
        if missing:
            fail("the wheels lack %s" % ", ".join(missing), "run `cargo xtask setup` again")
        # Last, because torch-sys and `cargo xtask` take this file for the sign of a whole folder.
        with open(os.path.join(partial, "torch", "build-version"), "w") as file:
            file.write("2.11.0\n")
        if os.path.isdir(target):
            shutil.rmtree(target)
        os.rename(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
