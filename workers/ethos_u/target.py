"""The NPU to compile for, and the board facts around it that Vela needs.

System configuration and memory mode are facts of somebody's board. They are never searched over. Missing facts are
filled in as by ExecuTorch's `EthosUCompileSpec`.
"""

import configparser
import difflib
import hashlib
import importlib.util
import io
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workers.errors import ModelError

BUNDLED_CONFIG = "Arm/vela.ini"

# System configuration and memory mode by accelerator family: the rule of ExecuTorch's EthosUCompileSpec,
# stated here because importing ExecuTorch takes 8 seconds. A test holds the two together.
_DEFAULTS = {
    "ethos-u55": ("Ethos_U55_High_End_Embedded", "Shared_Sram"),
    "ethos-u65": ("Ethos_U65_High_End", "Dedicated_Sram_384KB"),
    "ethos-u85": ("Ethos_U85_SYS_DRAM_Mid", "Sram_Only"),
}


@dataclass(frozen=True)
class Target:
    """An accelerator on a board, every field filled in. Make one with `Target.parse`.

    Attributes:
        accelerator: Vela's name, as in `ethos-u55-128`.
        system_config: a `System_Config` section of the Vela configuration, without the prefix.
        memory_mode: a `Memory_Mode` section of it, without the prefix.
        vela_config: `Arm/vela.ini` for the file in Vela's wheel, or another two-part name found there. Else it is the
            absolute path of the user's .ini.
    """

    accelerator: str
    system_config: str
    memory_mode: str
    vela_config: str

    @property
    def backend(self) -> str:
        """See `workers.backend.target.Target`."""
        return "ethos-u"

    @property
    def name(self) -> str:
        """See `workers.backend.target.Target`."""
        return self.accelerator

    @property
    def family(self) -> str:
        """The accelerator without its size, such as `ethos-u55`."""
        return self.accelerator.rpartition("-")[0]

    @classmethod
    def parse(
        cls,
        accelerator: str,
        system_config: str | None = None,
        memory_mode: str | None = None,
        vela_config: str | None = None,
    ) -> "Target":
        """The target that these command line values name, `None` meaning ExecuTorch's default.

        Example:
            Target.parse("ethos-u55-128").memory_mode == "Shared_Sram"

        Args:
            accelerator: name such as `ethos-u55-128`.
            system_config: section of the configuration; None for ExecuTorch's default for the accelerator.
            memory_mode: section of the configuration; None for ExecuTorch's default for the accelerator.
            vela_config: path of an .ini; None for the one that Vela brings.

        Returns:
            The target.

        Raises:
            ModelError: the accelerator is unknown, the .ini is missing, unreadable or incomplete, or Vela refuses the
                combination.
        """
        accelerator = _known_accelerator(accelerator)
        default_system, default_memory = _DEFAULTS[accelerator.rpartition("-")[0]]
        target = cls(
            accelerator,
            default_system if system_config is None else system_config,
            default_memory if memory_mode is None else memory_mode,
            _config_name(BUNDLED_CONFIG if vela_config is None else vela_config),
        )
        target._check_sections()
        target._check_with_vela()
        return target

    @property
    def options(self) -> dict[str, str]:
        """What names it on the command line: the accelerator, and only what differs from ExecuTorch's defaults."""
        system_config, memory_mode = _DEFAULTS[self.family]
        defaults = {"--system-config": system_config, "--memory-mode": memory_mode, "--vela-config": BUNDLED_CONFIG}
        named = dict(zip(("--target", *defaults), vars(self).values(), strict=True))
        return {option: value for option, value in named.items() if value != defaults.get(option)}

    @property
    def label(self) -> str:
        """For people: the values of its options; of a user's .ini the file's name."""
        options = self.options
        if "--vela-config" in options:
            options["--vela-config"] = Path(self.vela_config).name
        return ", ".join(options.values())

    def identity(self) -> dict[str, str]:
        """What makes two targets the same, as plain strings."""
        return {"accelerator": self.accelerator, **self.facts()}

    def facts(self) -> dict[str, str]:
        """Of the board. Vela's own .ini goes by its name, since Vela's version decides its content. A user's counts by
        content, not by path.
        """
        text = self.config_text()
        bundled = text == _bundled_text()
        content = hashlib.sha256(text.encode()).hexdigest()
        return {
            "system_config": self.system_config,
            "memory_mode": self.memory_mode,
            "vela_config": BUNDLED_CONFIG if bundled else f"sha256 {content}",
        }

    @property
    def config_path(self) -> Path:
        """Where the Vela configuration file lies on this machine."""
        return _bundled_folder() / self.vela_config

    @property
    def clock_hz(self) -> float | None:
        """The clock of the NPU on the user's board; None of Vela's own configurations, which are nobody's board."""
        return None if self.vela_config == BUNDLED_CONFIG else self._clock("core_clock")

    @property
    def npu_cycles_per_cpu_cycle(self) -> float:
        """The clock of the NPU by that of the CPU; 1 where the configuration has no `cpu_clock`, which Vela ignores."""
        npu, cpu = self._clock("core_clock"), self._clock("cpu_clock")
        return npu / cpu if npu is not None and cpu is not None else 1.0

    def config_text(self) -> str:
        """The text of the Vela configuration file.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            return self.config_path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"--vela-config {self.vela_config}: cannot be read ({error})") from error

    def _clock(self, name: str) -> float | None:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(self.config_text())
            clock = parser.getfloat(f"System_Config.{self.system_config}", name, fallback=0.0)
        except (configparser.Error, ValueError):
            return None
        return clock if clock > 0 else None

    def _check_sections(self) -> None:
        parser = configparser.ConfigParser()
        try:
            parser.read_string(self.config_text())
        except configparser.Error as error:
            raise ModelError(
                f"--vela-config {self.vela_config}: not a Vela configuration ({_one_line(error)})"
            ) from error
        for flag, prefix, wanted in (
            ("--system-config", "System_Config.", self.system_config),
            ("--memory-mode", "Memory_Mode.", self.memory_mode),
        ):
            offered = [name.removeprefix(prefix) for name in parser.sections() if name.startswith(prefix)]
            if wanted not in offered:
                listed = ", ".join(offered) or f"no {prefix}* section at all"
                raise ModelError(
                    f"{flag} {wanted}: not in {self.vela_config}, which has {listed}; --vela-config takes another file"
                )

    def _check_with_vela(self) -> None:
        """Vela's own rules, such as which memories may hold the arena."""
        from ethosu.vela.errors import VelaError

        try:
            with redirect_stdout(io.StringIO()):
                self.vela_architecture()
        except VelaError as error:
            reason = _one_line(error.data).removeprefix("Error: ")
        except (configparser.Error, KeyError, ValueError) as error:
            reason = f"Vela cannot read a value of it ({_one_line(error)})"
        else:
            return
        chosen = f"{self.accelerator}, {self.system_config}, {self.memory_mode}"
        raise ModelError(f"target {chosen} of {self.vela_config}: {reason}")

    def vela_architecture(self) -> Any:
        """Vela's own reading of this target: an `ethosu.vela.architecture_features.ArchitectureFeatures`."""
        from ethosu.vela.architecture_features import ArchitectureFeatures

        return ArchitectureFeatures(
            vela_config_files=[str(self.config_path)],
            accelerator_config=self.accelerator,
            system_config=self.system_config,
            memory_mode=self.memory_mode,
            max_blockdep=ArchitectureFeatures.MAX_BLOCKDEP,
            verbose_config=False,
            arena_cache_size=None,
        )


def _known_accelerator(name: str) -> str:
    from ethosu.vela.architecture_features import Accelerator

    known = Accelerator.member_list()
    lowered = name.strip().lower()
    if lowered in known:
        return lowered
    nearest = difflib.get_close_matches(lowered, known, n=3, cutoff=0.5) or known
    raise ModelError(f"--target {name}: unknown accelerator; did you mean {', '.join(nearest)}?")


def _config_name(given: str) -> str:
    """`given` as Vela will find it: it looks up `folder/file.ini` in its wheel, not the current folder."""
    path = Path(given)
    if path.suffix != ".ini":
        raise ModelError(f"--vela-config {given}: Vela wants a file that ends in .ini")
    if given[0] not in "./~" and len(path.parts) == 2 and (_bundled_folder() / path).is_file():
        return path.as_posix()
    absolute = path.expanduser().absolute()
    if not absolute.is_file():
        raise ModelError(f"--vela-config {given}: no such file")
    if any(character.isspace() for character in str(absolute)):
        raise ModelError(f"--vela-config {absolute}: ExecuTorch cannot hand Vela a path with spaces")
    return str(absolute)


def _bundled_folder() -> Path:
    # The wheel's top package is a namespace without a file of its own; asking for its place imports nothing.
    spec = importlib.util.find_spec("ethosu")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("Vela is not installed: pip install 'executorch[ethos-u]'")
    return Path(next(iter(spec.submodule_search_locations))) / "config_files"


@cache
def _bundled_text() -> str:
    return (_bundled_folder() / BUNDLED_CONFIG).read_text(encoding="utf-8")


def _one_line(message: object) -> str:
    return " ".join(str(message).split())
