#!/usr/bin/env python3
"""order-actors from a fresh checkout. Needs Python 3.11 and nothing else; keeps everything in .venv beside this file.

python3 make.py demo                 paper trading with generated prices and signals
python3 make.py run -c FILE          this and every other command of order-actors: see make.py --help
python3 make.py test                 style, types, and all tests against the wheel as it would be shipped
python3 make.py test tests/x -k y    only pytest, on the source, with these arguments
python3 make.py lint                 only style and types
python3 make.py wheel                only the tests against the wheel; one that passes is left in dist/
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

if sys.version_info < (3, 11):
    sys.exit(f"order-actors needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
TOOLS = "[test,dev]"
SOURCES = [ROOT / name for name in ("actors", "tests", "benchmarks", "examples", "docs")]
MAX_LINES = 400


def main(command: str = "help", *arguments: str) -> int:
    """Do what the command line asks and return the exit code."""
    if command in ("help", "-h"):
        print(__doc__)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    own = {"test": test, "lint": lint, "wheel": wheel}
    prepare(TOOLS if command in own else "")
    if command in own:
        return own[command](*(arguments[1:] if arguments[:1] == ("--",) else arguments))
    program = [str(VENV / PYTHON), "-P", "-m", "actors", command, *arguments]
    # In place of this process, so that signals and the exit code are the program's own.
    return run(*program) if os.name == "nt" else os.execv(program[0], program)


def test(*arguments: str) -> int:
    """Check and test everything, or run pytest alone with the given arguments."""
    os.environ["ORDER_ACTORS_REQUIRE_ALL"] = "1"
    if arguments:
        get_redis()
        return run(VENV / PYTHON, "-m", "pytest", *arguments, cwd=ROOT)
    untidy = lint()
    failed = wheel()
    if untidy:
        say("style or types failed, see above")
    return failed or untidy


def lint() -> int:
    """Check style, types and the length of files."""
    checks = [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)]
    failures = [run(VENV / PYTHON, "-m", *check, cwd=ROOT) for check in checks]
    for path in [*ROOT.glob("*.py"), *(path for source in SOURCES for path in sorted(source.rglob("*.py")))]:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            failures.append(1)
            print(f"{path.relative_to(ROOT)}: {lines} lines, {MAX_LINES} are allowed", flush=True)
    return int(any(failures))


def wheel(*arguments: str) -> int:
    """Build the wheel, install it in a fresh environment and test it where no source can be imported in its place."""
    get_redis()
    with tempfile.TemporaryDirectory(prefix="order-actors-wheel-") as folder:
        tree, built, fresh = Path(folder, "tree"), Path(folder, "dist"), Path(folder, "venv")
        junk = (".git", ".venv*", ".*_cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*junk))
        say("building the wheel")
        must(VENV / PYTHON, "-m", "build", "--outdir", built, tree)
        shutil.rmtree(tree / "actors")
        say("installing it in a fresh environment")
        make_venv(fresh)
        pip_install(fresh, f"{next(built.glob('*.whl'))}[test]")
        say("testing it")
        os.environ.pop("PYTHONPATH", None)
        workers = str(min(4, os.cpu_count() or 1))
        code = run(fresh / PYTHON, "-m", "pytest", "-n", workers, *arguments, cwd=tree)
        if code == 0:
            shutil.copytree(built, ROOT / "dist", dirs_exist_ok=True)
    return code


def prepare(extras: str) -> None:
    """Make .venv and install the project in it, once for each state of the project's files and of Python."""
    stamp = VENV / "installed"
    files = [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "setup.cfg")]
    state = hashlib.sha256("\0".join([sys.version, str(ROOT), *files]).encode()).hexdigest()

    def ready() -> bool:
        return stamp.exists() and stamp.read_text() in (state + extras, state + TOOLS)

    if ready():
        return
    with (ROOT / ".venv.lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        if ready():  # another make.py saw to it meanwhile
            return
        if not stamp.exists() or not healthy(VENV):  # without a stamp it may be half made
            say(f"making {VENV}")
            make_venv(VENV)
        stamp.write_text("")
        say(f"installing order-actors{extras}")
        pip_install(VENV, "-e", f"{ROOT}{extras}")
        stamp.write_text(state + extras)


def healthy(venv: Path) -> bool:
    """Return whether the environment works and is of this Python."""
    probe = [venv / PYTHON, "-c", "import sys, pip; print(sys.version)"]
    return probe[0].exists() and subprocess.run(probe, capture_output=True, text=True).stdout.strip() == sys.version


def make_venv(venv: Path) -> None:
    """Make a virtual environment, also on a Debian without python3-venv."""
    shutil.rmtree(venv, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", venv], capture_output=True).returncode:
        boot = ROOT / ".venv-boot"
        must(sys.executable, "-m", "pip", "install", "--upgrade", "--target", boot, "virtualenv")
        must(sys.executable, "-m", "virtualenv", "--clear", venv, env={**os.environ, "PYTHONPATH": str(boot)})


def pip_install(venv: Path, *what: str) -> None:
    """Install into a virtual environment."""
    must(venv / PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *what)


def get_redis() -> None:
    """Get a Redis server from Debian where we may; else the tests find the Valkey of a wheel."""
    names = ("redis-server", "valkey-server", "redis-check-rdb")  # the last is the server under another name
    if os.environ.get("ORDER_ACTORS_REDIS_SERVER") or any(map(shutil.which, names)) or not shutil.which("apt-get"):
        return
    say("installing redis-tools with apt-get, for the tests")
    sudo = "" if os.geteuid() == 0 else "sudo -n "
    apt = f"{sudo}env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=20"
    script = f"{apt} update; {apt} install -y --no-install-recommends redis-tools"
    if subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True).returncode:
        say("not possible here: the tests use Valkey from its wheel")


def must(*command: str | Path, **options: object) -> None:
    """Do a step in silence; if it fails show what it said, and end."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"{done.stdout}\nmake: failed: {' '.join(map(str, command))}")


def run(*command: str | Path, **options: object) -> int:
    """Run a program in the foreground; a Ctrl-C is for it to handle, and it ends when we are ended."""
    with subprocess.Popen(command, **options) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            child.wait()
            raise
        finally:
            child.terminate()


def say(text: str) -> None:
    """Say what happens, beside the program's own output."""
    print(f"make: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
