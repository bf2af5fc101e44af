"""The installer on machines of all kinds, played by stand-ins for apt-get, dpkg-query, sudo and npm."""

import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ["bash", "env", "dirname", "sort", "sha256sum", "cut", "cat", "mktemp", "rm", "tail", "mkdir",
         "tee", "uname", "chmod"]


class Machine:
    def __init__(self, folder):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.write_text("")
        self.project = folder / "project"
        (self.project / "packaging").mkdir(parents=True)
        shutil.copy(ROOT / "packaging/install-deps.sh", self.project / "packaging")
        for name in ("packaging/duckdb", "packaging/postgres", "tests/e2e/clients"):
            (self.project / name).mkdir(parents=True)
            (self.project / name / "package-lock.json").write_text(f'"{name}"')
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.program("npm", "mkdir -p node_modules")
        self.program("apt-get", "")
        self.program("sudo", '"$@"')
        self.user(0)
        self.installed(everything_but=[])

    def program(self, name, body):
        path = self.bin / name
        path.write_text(f'#!{shutil.which("bash")}\necho "{name} $*" >> {self.log}\n{body}\n')
        path.chmod(0o755)

    def user(self, uid):
        self.program("id", f"echo {uid}")

    def installed(self, everything_but):
        cases = "".join(f"{name}) ;; " for name in everything_but)
        self.program("dpkg-query", f'case "${{!#}}" in {cases} *) echo -n installed ;; esac')

    def lacks(self, program):
        (self.bin / program).unlink()

    def run(self, *groups, **environment):
        return subprocess.run(
            [self.project / "packaging/install-deps.sh", *groups],
            env={"PATH": str(self.bin), **environment}, capture_output=True, text=True, check=False)

    def called(self, program):
        lines = self.log.read_text().split("\n")
        return [line for line in lines if line.startswith(program + " ")]


def libc():
    """Any library will do that has a name for the loader in it."""
    return next(path for path in pathlib.Path("/lib").glob("*-linux-gnu/libc.so.6"))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_with_everything_there_it_needs_no_network(machine):
    assert machine.run("build", "test").returncode == 0
    assert len(machine.called("npm")) == 3
    again = machine.run("build", "test")
    assert again.returncode == 0 and again.stdout == ""
    assert len(machine.called("npm")) == 3 and not machine.called("apt-get")


def test_the_servers_find_their_libraries(machine):
    library = machine.project / "packaging/postgres/node_modules/postgres-18/native/lib"
    machine.program("npm", f"mkdir -p node_modules {library} && cp {libc()} {library}/libc-full-name.so")
    (machine.bin / "cp").symlink_to(shutil.which("cp"))
    assert machine.run("test").returncode == 0
    assert (library / "libc.so.6").resolve() == library / "libc-full-name.so"


def test_only_what_is_missing_is_installed(machine):
    machine.installed(everything_but=["libfmt-dev", "ninja-build"])
    result = machine.run("build")
    assert result.returncode == 0, result.stderr
    assert "installing with apt-get: libfmt-dev ninja-build" in result.stdout
    update, install = machine.called("apt-get")
    assert update.endswith("update") and install.endswith(" libfmt-dev ninja-build")


def test_another_lock_file_is_installed_again(machine):
    machine.run("build")
    (machine.project / "packaging/duckdb/package-lock.json").write_text("other")
    machine.run("build")
    assert len(machine.called("npm")) == 2


def test_a_duckdb_of_ones_own_needs_no_npm(machine):
    machine.lacks("npm")
    assert machine.run("build", DUCKDB_ROOT="/opt/duckdb").returncode == 0
    assert not machine.called("apt-get")


def test_npm_is_installed_where_there_is_no_node(machine):
    machine.lacks("npm")
    machine.program("apt-get", f"cp {machine.bin}/apt-get {machine.bin}/npm")
    (machine.bin / "cp").symlink_to(shutil.which("cp"))
    machine.run("build")
    assert machine.called("apt-get")[1].endswith(" npm")


def test_a_node_from_elsewhere_is_left_alone(machine):
    machine.lacks("npm")
    machine.program("node", "")
    machine.installed(everything_but=["nodejs"])
    result = machine.run("build")
    assert result.returncode != 0 and "Install npm the way node was installed" in result.stderr
    assert not machine.called("apt-get")


def test_a_user_goes_through_sudo(machine):
    machine.user(1000)
    machine.installed(everything_but=["libfmt-dev"])
    assert machine.run("build").returncode == 0
    assert len(machine.called("sudo")) == 2


def test_a_user_without_sudo_is_told_what_to_do(machine):
    machine.user(1000)
    machine.lacks("sudo")
    machine.installed(everything_but=["libfmt-dev"])
    result = machine.run("build")
    assert result.returncode != 0
    assert "As root: apt-get install --no-install-recommends libfmt-dev" in result.stderr


def test_another_system_is_told_what_is_needed(machine):
    machine.lacks("apt-get")
    machine.lacks("dpkg-query")
    result = machine.run("build")
    assert result.returncode != 0
    assert "this is not Debian" in result.stderr and "libboost1.81-dev" in result.stderr


def test_a_failing_apt_get_fails_with_its_output(machine):
    machine.installed(everything_but=["libfmt-dev"])
    machine.program("apt-get", "echo 'E: no such mirror' >&2; exit 100")
    result = machine.run("build")
    assert result.returncode != 0 and "E: no such mirror" in result.stderr


def test_a_failing_npm_fails_and_leaves_no_stamp(machine):
    machine.program("npm", "exit 1")
    assert machine.run("build").returncode != 0
    machine.program("npm", "mkdir -p node_modules")
    assert machine.run("build").returncode == 0
    assert len(machine.called("npm")) == 2


def test_an_unknown_group_is_refused(machine):
    assert machine.run("everything").returncode != 0
