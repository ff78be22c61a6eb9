"""From release binaries to `target/lambda/<function>/bootstrap`, which template.yaml points at.

Needs nothing but Python. Refuses a binary that Lambda could not start: its runtime
`provided.al2023` is Amazon Linux 2023 with glibc 2.34, and the template asks for x86_64.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GLIBC = (2, 34)
ELF_X86_64 = 0x3E


def main(built: Path) -> int:
    names = sorted(path.parent.name for path in ROOT.glob("functions/*/Cargo.toml"))
    faults = _differences(names)
    for name in names:
        binary = built / name
        if binary.is_file():
            faults += [f"{name}: {fault}" for fault in _faults(binary)]
        else:
            faults.append(
                f"{name}: there is no {binary}; build it: cargo build --release -p {name}"
            )
    if faults:
        print("usher: the artefacts are not fit for Lambda:", file=sys.stderr)
        print("\n".join(f"  {fault}" for fault in faults), file=sys.stderr)
        return 1
    target = ROOT / "target" / "lambda"
    shutil.rmtree(target, ignore_errors=True)
    for name in names:
        (target / name).mkdir(parents=True)
        shutil.copy2(built / name, target / name / "bootstrap")
    sizes = [(target / name / "bootstrap").stat().st_size / 1e6 for name in names]
    print(f"{len(names)} functions in target/lambda, {min(sizes):.1f} to {max(sizes):.1f} MB each")
    return 0


def _differences(names: list[str]) -> list[str]:
    """Folders and template must name the same functions."""
    template = (ROOT / "template.yaml").read_text()
    declared = set(re.findall(r"CodeUri: target/lambda/(\S+)", template))
    missing = [f"{name}: template.yaml does not know it" for name in set(names) - declared]
    unknown = [f"{name}: there is no functions/{name}" for name in declared - set(names)]
    return sorted(missing + unknown)


def _faults(binary: Path) -> list[str]:
    with binary.open("rb") as file:
        header = file.read(20)
    if header[:4] != b"\x7fELF" or int.from_bytes(header[18:20], "little") != ELF_X86_64:
        return ["it is no Linux binary for x86_64; build on such a machine"]
    newer = {
        f"{symbol} (GLIBC_{major}.{minor})"
        for major, minor, symbol in _needed_symbols(binary)
        if (major, minor) > GLIBC
    }
    if not newer:
        return []
    return [
        f"it needs a newer glibc than Lambda's {GLIBC[0]}.{GLIBC[1]}: {', '.join(sorted(newer))}. "
        "Build on Amazon Linux 2023, or link with zig:\n"
        "    pip install cargo-zigbuild ziglang\n"
        "    make build CARGO_BUILD='cargo zigbuild --target x86_64-unknown-linux-gnu.2.34' "
        "BUILT=target/x86_64-unknown-linux-gnu/release"
    ]


def _needed_symbols(binary: Path) -> list[tuple[int, int, str]]:
    """Major and minor version of glibc, and the symbol that needs it."""
    try:
        listing = subprocess.run(
            ["objdump", "--dynamic-syms", str(binary)], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError:
        sys.exit("usher: objdump is missing. What to do: apt-get install binutils")
    found = re.findall(r"\(GLIBC_(\d+)\.(\d+)[.\d]*\)\s+(\S+)", listing)
    return [(int(major), int(minor), symbol) for major, minor, symbol in found]


if __name__ == "__main__":
    sys.exit(main(ROOT / sys.argv[1]))
