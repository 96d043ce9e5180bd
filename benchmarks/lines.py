"""What is measured: one Line for each kind of work, the same work for every tool that can do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import peers
from ground import Ground
from peers import Play

Commands = Callable[[str, Ground], "list[str] | None"]  # a tool's command line; None when it cannot


@dataclass(frozen=True)
class Line:
    """`again`: the same once more on what the first run left. `slow`: tools that are left out unless asked for, they take minutes."""

    name: str
    title: str
    commands: Commands
    again: bool = False
    hosts: int = 0
    delay: float = 0.0  # milliseconds of a round trip
    slow: tuple[str, ...] = ()
    files: Callable[[Ground], None] = lambda ground: None
    why: str = ""  # another tool may be ahead

    @property
    def titles(self) -> list[str]:
        """The rows that it makes."""
        return [self.title, f"{self.title}, again"][: 1 + self.again]


def all_lines() -> list[Line]:
    """Every line, in the order in which they are run."""
    fan = [_fan(hosts) for hosts in (1, 10, 50, 100, 200)]
    here = [_python(), _version(), _debug(), _local(1), _local(100)]
    return [*here, *_mixed(), *fan, _thousand(), *_files(), *_facts(), _loop(), *_many_debugs(), *_inventories(), _roles()]


_AGENT = (
    "The agent is Python: an interpreter and the modules that the play needs, once per host and play (the first time they are compiled, "
    "too); pyinfra runs a shell line for each task. It pays from about ten tasks on."
)
_LOOK = "The host hashes what it receives, and reads and hashes again what it has written: that look is what makes `changed` true."


def _play(play: Play) -> Commands:
    return lambda peer, ground: peers.command(peer, play, ground)


# -- this machine


def _python() -> Line:
    def commands(peer: str, ground: Ground) -> list[str] | None:
        return [peers.program(peer, "python"), "-c", "pass"] if peer == "nxtplay" else None

    return Line("python", "Python's own start: `python3 -c pass`", commands)


def _version() -> Line:
    def commands(peer: str, ground: Ground) -> list[str] | None:
        name = {"nxtplay": "nxtplay", "pyinfra": "pyinfra"}.get(peer, "ansible-playbook")
        return [peers.program(peer, name), "--version"]

    return Line("version", "start: `--version`", commands)


def _debug() -> Line:
    playbook = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: msg=hello\n"
    deploy = "from pyinfra.operations import python\n\n\ndef say():\n    print('hello')\n\n\npython.call(function=say)\n"
    return Line("debug", "one debug task", _play(Play(playbook, deploy)))


def _local(number: int) -> Line:
    head = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
    tasks = "".join(f"    - name: step {n}\n      command: /bin/true\n" for n in range(number))
    step = "server.shell(name=f'step {n}', commands=['/bin/true'])"
    deploy = f"from pyinfra.operations import server\n\nfor n in range({number}):\n    {step}\n"
    title = "one local command" if number == 1 else f"{number} local commands"
    return Line(f"local{number}", title, _play(Play(head + tasks, deploy)))


# -- hosts by SSH

_TEN = """\
    - {{name: folder {n}, file: {{path: "{{{{ base }}}}/{n}", state: directory, mode: "0755"}}}}
    - {{name: content {n}, copy: {{content: "number = {n}\\n", dest: "{{{{ base }}}}/{n}/a.conf", mode: "0644"}}}}
    - {{name: file {n}, copy: {{src: "motd.txt", dest: "{{{{ base }}}}/{n}/motd", mode: "0644"}}}}
    - {{name: template {n}, template: {{src: "site.j2", dest: "{{{{ base }}}}/{n}/site.conf", mode: "0600"}}, vars: {{number: {n}}}}}
    - {{name: line {n}, lineinfile: {{path: "{{{{ base }}}}/{n}/line.conf", line: "debug = false", regexp: "^debug", create: true}}}}
    - {{name: link {n}, file: {{src: "{{{{ base }}}}/{n}/a.conf", dest: "{{{{ base }}}}/{n}/b.conf", state: link}}}}
    - {{name: command {n}, command: /bin/true, changed_when: false}}
    - {{name: shell {n}, shell: "echo {n} | tr 0-9 a-z", register: said, changed_when: false}}
    - {{name: stat {n}, stat: {{path: "{{{{ base }}}}/{n}/site.conf"}}}}
    - {{name: block {n}, blockinfile: {{path: "{{{{ base }}}}/{n}/block.conf", create: true, block: "on {{{{ inventory_hostname }}}}"}}}}
"""
_TEN_DEPLOY = """\
import io

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import files, server

for n in range({tens}):
    base = f"{folder}/{{host.name}}/{{n}}"
    files.directory(name=f"folder {{n}}", path=base, mode="755")
    files.put(name=f"content {{n}}", src=io.StringIO(f"number = {{n}}\\n"), dest=f"{{base}}/a.conf", mode="644")
    files.put(name=f"file {{n}}", src="{work}/motd.txt", dest=f"{{base}}/motd.txt", mode="644")
    files.template(name=f"template {{n}}", src="{work}/site.j2", dest=f"{{base}}/site.conf", mode="600", number=n)
    files.line(name=f"line {{n}}", path=f"{{base}}/line.conf", line="debug = .*", replace="debug = false")
    files.link(name=f"link {{n}}", path=f"{{base}}/b.conf", target=f"{{base}}/a.conf")
    server.shell(name=f"command {{n}}", commands=["/bin/true"])
    server.shell(name=f"shell {{n}}", commands=["echo {{n}} | tr 0-9 a-z"])
    host.get_fact(File, path=f"{{base}}/site.conf")
    files.block(name=f"block {{n}}", path=f"{{base}}/block.conf", content=f"on {{host.name}}")
"""
_WAITS = '    - {{name: depends {n}, command: "/bin/echo {{{{ said.stdout }}}}", changed_when: false}}\n'


def _sources(ground: Ground) -> None:
    (ground.folder / "motd.txt").write_text("Authorised use only.\n" * 20)
    (ground.folder / "site.j2").write_text("server {{ number }}\n{% for n in range(20) %}location /{{ n }} {}\n{% endfor %}debug = true\n")


def _tens(tens: int, hosts: int, *, waits: int = 0, slow: bool = False) -> Commands:
    def commands(peer: str, ground: Ground) -> list[str] | None:
        head = "- hosts: all\n  gather_facts: false\n  vars:\n"
        head += f'    base: "{ground.host_files}/{{{{ inventory_hostname }}}}"\n  tasks:\n'
        head += '    - {name: base, file: {path: "{{ base }}", state: directory}}\n'
        tasks = "".join(_TEN.format(n=n) + (_WAITS.format(n=n) if n < waits else "") for n in range(tens))
        deploy = _TEN_DEPLOY.format(tens=tens, folder=ground.host_files, work=ground.folder)
        return peers.command(peer, Play(head + tasks, deploy, hosts=hosts, slow=slow), ground)

    return commands


def _mixed() -> list[Line]:
    title = "50 mixed tasks, one SSH host"
    return [
        Line("tasks50", title, _tens(5, 1), again=True, hosts=1, files=_sources),
        Line("latency", f"{title}, 50 ms round trip", _tens(5, 1, waits=2, slow=True), hosts=1, delay=50.0, files=_sources),
    ]


def _fan(hosts: int) -> Line:
    title = f"10 tasks on {hosts} host{'s' if hosts > 1 else ''}"
    slow = ("ansible", "mitogen") if hosts >= 50 else ()
    return Line(f"hosts{hosts}", title, _tens(1, hosts), again=True, hosts=hosts, slow=slow, files=_sources, why=_AGENT)


def _thousand() -> Line:
    return Line("hosts1000", "one command on 1000 hosts", _play(_command(1000)), hosts=1000, slow=("ansible", "mitogen", "pyinfra"))


def _command(hosts: int) -> Play:
    playbook = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: /bin/true\n"
    return Play(playbook, "from pyinfra.operations import server\n\nserver.shell(commands=['/bin/true'])\n", hosts=hosts)


def _files() -> list[Line]:
    def many(ground: Ground) -> None:
        folder = ground.folder / "many"
        for n in range(500):
            path = folder / f"d{n % 20}" / f"f{n}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{n}\n" * 200)

    def big(ground: Ground) -> None:
        piece = bytes(range(256)) * 4096
        with (ground.folder / "big").open("wb") as stream:
            for n in range(100):
                stream.write(piece[n:] + piece[:n])

    def copying(name: str, operation: str) -> Commands:
        def commands(peer: str, ground: Ground) -> list[str] | None:
            source, target = ground.folder / name, ground.host_files / name
            task = f"    - copy: {{src: {source}{'/' if name == 'many' else ''}, dest: {target}{'/' if name == 'many' else ''}}}\n"
            deploy = f"from pyinfra.operations import files\n\nfiles.{operation}(src={str(source)!r}, dest={str(target)!r})\n"
            return peers.command(peer, Play("- hosts: all\n  gather_facts: false\n  tasks:\n" + task, deploy, hosts=1), ground)

        return commands

    return [
        Line("files500", "500 small files", copying("many", "sync"), again=True, hosts=1, slow=("ansible",), files=many),
        Line("file100MB", "one file of 100 MB", copying("big", "put"), again=True, hosts=1, files=big, why=_LOOK),
    ]


def _facts() -> list[Line]:
    playbook = "- hosts: all\n  gather_facts: true\n  tasks:\n    - debug: msg={{ ansible_facts.hostname }}\n"
    facts = "Hostname Kernel KernelVersion Arch Os OsVersion LinuxDistribution Users Groups Mounts Path Date Home".split()
    deploy = "from pyinfra import host\nfrom pyinfra.facts import server\n\n"
    deploy += f"for name in {facts}:\n    host.get_fact(getattr(server, name))\n"
    return [
        Line("command20", "one command on 20 hosts, no facts", _play(_command(20)), hosts=20, why=_AGENT),
        Line("facts20", "facts of 20 hosts (pyinfra: 13 facts only)", _play(Play(playbook, deploy, hosts=20)), hosts=20),
    ]


# -- the controller's own work


def _loop() -> Line:
    numbers = '      loop: "{{ range(1000) | list }}"\n'
    playbook = (
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        f'    - debug: msg="{{{{ item * 2 }}}}"\n{numbers}'
        f'    - set_fact: {{last: "{{{{ item }}}}"}}\n{numbers}'
        f'    - assert: {{that: "item >= 0", quiet: true}}\n      when: item % 2 == 0\n{numbers}'
    )
    return Line("loop", "3 loops of 1000 items", _play(Play(playbook)))


def _named(number: int, write: Callable[[Path, int], None], suffix: str, playbook: str, *extra: str) -> Commands:
    """nxtplay and Ansible on an inventory of many names; pyinfra by its own kind of inventory when `suffix` is .py."""

    def commands(peer: str, ground: Ground) -> list[str] | None:
        if (peer == "pyinfra") != (suffix == ".py"):
            return None
        path = ground.folder / f"names_{number}{suffix}"
        if not path.exists():
            write(path, number)
        play = ground.folder / "play.yml"
        play.write_text(playbook)
        name = "nxtplay" if peer == "nxtplay" else "ansible-playbook"
        return [peers.program(peer, name), str(play), "-i", str(path), *extra]

    return commands


def _ini(path: Path, number: int) -> None:
    rows = [f"host{n:05} ansible_host=10.{n >> 16}.{n >> 8 & 255}.{n & 255} rack={n % 40} role='web {n % 7}'\n" for n in range(number)]
    groups = "".join(f"[group{g}]\n" + "".join(f"host{n:05}\n" for n in range(g, number, 50)) for g in range(50))
    path.write_text("".join(rows) + groups + "[group1:vars]\nlevel=3\n")


def _yaml(path: Path, number: int) -> None:
    names = [(f"host{n:05}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", n) for n in range(number)]
    rows = "".join(
        f"    {name}:\n      ansible_host: {address}\n      rack: {n % 40}\n      role: web {n % 7}\n" for name, address, n in names
    )
    groups = "".join(f"    group{g}:\n      hosts:\n" + "".join(f"        host{n:05}:\n" for n in range(g, number, 50)) for g in range(50))
    path.write_text(f"all:\n  hosts:\n{rows}  children:\n{groups}")


def _many_debugs() -> list[Line]:
    playbook = '- hosts: all\n  gather_facts: false\n  tasks:\n    - debug: msg="{{ inventory_hostname }}"\n'

    def group_vars(ground: Ground) -> None:
        folder = ground.folder / "group_vars"
        folder.mkdir(exist_ok=True)
        for g in range(50):
            (folder / f"group{g}.yml").write_text("".join(f"setting_{g}_{n}: {{a: [1, 2, {n}], b: 'text {n}'}}\n" for n in range(100)))

    many = _named(10_000, _ini, ".ini", playbook)
    title = "one debug task on 10,000 hosts, 50 group_vars of 100"
    return [
        Line("debug500", "one debug task on 500 hosts", _named(500, _ini, ".ini", playbook)),
        Line("debug2000", "one debug task on 2000 hosts", _named(2000, _ini, ".ini", playbook), slow=("ansible", "mitogen")),
        Line("debug10000", title, many, slow=("ansible", "mitogen"), files=group_vars),
    ]


def _inventories() -> list[Line]:
    playbook = "- hosts: host00017\n  gather_facts: false\n  tasks:\n    - debug: msg={{ rack }}\n"
    return [
        Line("inventory_ini", "a play on one of 10,000 hosts, INI", _named(10_000, _ini, ".ini", playbook)),
        Line("inventory_yaml", "a play on one of 10,000 hosts, YAML", _named(10_000, _yaml, ".yml", playbook)),
    ]


def _roles() -> Line:
    """100 roles of 100 tasks: what reading and checking costs."""

    def write(ground: Ground) -> None:
        for number in range(100):
            folder = ground.folder / "roles" / f"role{number}" / "tasks"
            folder.mkdir(parents=True, exist_ok=True)
            task = "- name: step {0} of {{{{ inventory_hostname }}}}\n  command: echo {{{{ item }}}}\n  loop: [1, 2]\n  when: item > {0}\n"
            (folder / "main.yml").write_text("".join(task.format(n) for n in range(100)))

    def commands(peer: str, ground: Ground) -> list[str] | None:
        playbook = "- hosts: localhost\n  gather_facts: false\n  roles: [" + ", ".join(f"role{n}" for n in range(100)) + "]\n"
        argv = peers.command(peer, Play(playbook), ground)
        return None if argv is None else [*argv, "--syntax-check"]

    return Line("roles100", "10,000 tasks in 100 roles, `--syntax-check`", commands, files=write)
