"""What velatune asks of a family of targets. Search, store, service and reports know nothing else of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from search_space.choices.frontend.base import Setting
from search_space.exactness import Exactness
from search_space.passes.recipe_pass import RecipePass
from workers.backend.base import Base, Identified
from workers.backend.objective import ObjectiveKind
from workers.backend.programs import Programs
from workers.backend.settings import SettingStatus
from workers.backend.target import Target
from workers.backend.written import Written
from workers.checking.allowance import Quality
from workers.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
from workers.backend.job import Job


@dataclass(frozen=True)
class Metric:
    """A number that is counted of every candidate.

    Attributes:
        name: as records have it.
        title: for tables, with its unit.
        description: in a sentence.
        is_cost: less of it is better.
        is_estimate: it predicts the cycles of the device alone; gains are reported by it too.
        is_headline: it stands at the top of a report.
        is_tabled: it stands in tables with one line for each model and target.
        may_not_rise: a best that has more of it than the default is reported with a warning.
    """

    name: str
    title: str
    description: str
    is_cost: bool = True
    is_estimate: bool = False
    is_headline: bool = False
    is_tabled: bool = False
    may_not_rise: bool = False


@dataclass(frozen=True)
class BoardOption:
    """A fact of a board that a person may say.

    Attributes:
        name: as in `system_config`, for suite files and the service; `--system-config` on the command line.
        metavar, help: as of a command line option.
        is_file: its value is a file of the machine that runs the job. The service does not take it.
    """

    name: str
    metavar: str
    help: str
    is_file: bool = False


class Meter(Protocol):
    """Measures programs that are not the default bit for bit. See `workers.evaluator.Measure`."""

    def quality(self, program: Any) -> Quality:
        """How near a program comes to the float model. Raises ModelError if that cannot be measured."""

    def of_base(self) -> Quality:
        """Of the program that the toolchain makes. Raises as `quality`."""


class Backend(ABC):
    """A family of targets and the toolchain for it. Its object is registered under the entry point group
    `velatune.backends`, by the name of the family. Importing it takes no time: what needs the toolchain imports that
    where it needs it.

    Attributes:
        family: such as `ethos-u`; part of identities.
        metrics: what is counted besides the objective, SRAM and flash, in the order of tables.
        objectives: kind, as `--objective` has it -> what is minimised; the first is the default.
        unit: of what is minimised, in the plural, such as `cycles`.
        has_ratio: the ratio of two costs says how much better one is. A number that orders several facts has none. A
            best is then described by the headline metrics that it changed.
        compiler: name of the compiler whose own estimate is shown beside predictions.
        estimate_reasons: what the target runs (`Row.target_op`) -> why that estimate is another number.
        multiplying: kinds among them whose multiplications `Bound.macs` counts.
        board_options: facts of a board that a target may be given.
        example: a name of a target, for messages and help.
        names: regular expression that all names of targets match.
    """

    family: ClassVar[str]
    metrics: ClassVar[Sequence[Any]] = ()
    objectives: Mapping[str, ObjectiveKind]
    unit: ClassVar[str] = "cycles"
    has_ratio: ClassVar[bool] = True
    compiler: ClassVar[str]
    estimate_reasons: ClassVar[Mapping[str, str]] = {}
    multiplying: ClassVar[frozenset[str]] = frozenset()
    board_options: ClassVar[Sequence[BoardOption]] = ()
    example: ClassVar[str]
    names: ClassVar[str]

    @abstractmethod
    def knows(self, name: str) -> bool:
        """Whether a name is meant for the family, right or misspelt.

        The family's backend reports what is wrong with it.
        """

    @abstractmethod
    def target(self, name: str, board: Mapping[str, str]) -> Target:
        """The target of a name on a board.

        Args:
            name: as `--target` has it.
            board: facts by the names of `board_options`; what is left out is at its default.

        Returns:
            The target with all facts of its board.

        Raises:
            ModelError: there is no such target or board.
        """

    def cost_text(self, cost: int, metrics: Mapping[str, int]) -> str:
        """What a program costs, for people.

        Args:
            cost: what is minimised.
            metrics: all else that is counted of the program, by the names of `metrics`.

        Returns:
            A few words.
        """
        return f"{cost:,} {self.unit}"

    def preset(self, named: str, folder: Path) -> Mapping[str, Any] | None:
        """A preset of a board of the family, by its name or as a user's own file.

        Args:
            named: name of a preset of the family, or path of a file.
            folder: for files that the preset is written to.

        Returns:
            Defaults of command line options, by their names with underscores: `target`, `max_sram`, `max_flash` and
            facts of the board; None if the family has no presets.

        Raises:
            ModelError: there is no such preset, or the file is none.
        """
        return None

    @abstractmethod
    def versions(self) -> dict[str, str]:
        """Versions of everything that a result depends on, by distribution name."""

    @abstractmethod
    def identify(self, job: Job[Any]) -> Identified:
        """What the job's model is the same as; it is exported, not lowered. Raises ModelError."""

    @abstractmethod
    def lower(self, job: Job[Any]) -> Base:
        """Lower the model with the stock toolchain, or find it in the cache. Raises ModelError."""

    def lowered(self, job: Job[Any]) -> Base | None:
        """As `lower` where nothing has to be lowered; None where the cache has no good entry. Raises ModelError."""
        return None

    @abstractmethod
    def programs(self, job: Job[Any], base: Any) -> Programs[Any]:
        """What recipes make of a base program of the job, in a worker process.

        Args:
            job: the model and its target.
            base: of the job, by the stock toolchain or by a setting.

        Returns:
            The programs that an evaluator works on.

        Raises:
            ModelError: the base program is nothing that can be checked.
        """

    def meter(self, job: Job[Any], base: Any, setting: Setting) -> Meter:
        """Measures the quality of programs made of a base program.

        Args:
            job: the model and its target; it allows recipes that are not exact.
            base: which the toolchain lowered by `setting`.
            setting: empty for the stock toolchain's own.

        Returns:
            The meter.

        Raises:
            ModelError: quality cannot be measured, or the family has nothing that is not exact.
        """
        raise ModelError(f"{job.source}: on {job.target.label} only exact recipes are searched")

    def passes(self, allowed: Exactness) -> Sequence[RecipePass]:
        """What may follow in a recipe, of the classes that are allowed; options at their defaults."""
        return ()

    def is_workaround(self, recipe: str) -> bool:
        """Whether a recipe only works around a wrong computation of the default lowering, and saves nothing.

        Where the default lowering is wrong, such recipes are tried first, and what they need widens the limits.
        """
        return False

    def open_settings(self, job: Job[Any], base: Any) -> list[Setting]:
        """Settings inside the toolchain that may change this base program and that the job allows.

        Args:
            job: the model and its target.
            base: as the stock toolchain lowers it.

        Returns:
            Settings of one choice each; empty if the family has none.
        """
        return []

    def measured_settings(self, job: Job[Any], base: Any) -> list[Setting]:
        """Settings that have to be measured first; asked in a worker, where they are allowed.

        Args:
            job: the model and its target.
            base: as the stock toolchain lowers it.

        Returns:
            Settings that are worth lowering; empty if the family has none.

        Raises:
            ModelError: the model cannot be measured.
        """
        return []

    def setting_key(self, base: Any, setting: Setting) -> str:
        """Identity of a model lowered by a setting.

        Args:
            base: as the stock toolchain lowers it.
            setting: inside the toolchain.

        Returns:
            A key.

        Raises:
            NotImplementedError: the family has no settings.
        """
        raise NotImplementedError(f"{self.family} has no settings")

    def setting_status(self, job: Job[Any], base: Any, setting: Setting) -> SettingStatus:
        """Lower by a setting and check it, unless that was done.

        Args:
            job: the model and its target.
            base: as the stock toolchain lowers it.
            setting: inside the toolchain.

        Returns:
            What came of it.

        Raises:
            NotImplementedError: the family has no settings.
        """
        raise NotImplementedError(f"{self.family} has no settings")

    def remember_lost(self, job: Job[Any], base: Any, setting: Setting, reason: str) -> None:  # noqa: B027
        """Note that lowering by a setting cost the process, so that nobody tries it again.

        Args:
            job: the model and its target.
            base: as the stock toolchain lowers it.
            setting: inside the toolchain.
            reason: how the process was lost, in one line.
        """

    def base_by(self, job: Job[Any], base: Any, setting: Setting) -> Base:
        """The base program by a setting, from the cache or lowered now.

        Args:
            job: the model and its target.
            base: as the stock toolchain lowers it.
            setting: inside the toolchain.

        Returns:
            The base program.

        Raises:
            NotImplementedError: the family has no settings.
            ModelError: the toolchain cannot lower the model so.
        """
        raise NotImplementedError(f"{self.family} has no settings")

    def can_write(self, job: Job[Any]) -> bool:
        """Whether a file can be made of the job's model; a lowered program may have none."""
        return True

    @abstractmethod
    def write(
        self, job: Job[Any], recipe: str, identity_key: str, program_hash: str, artifact_sha256: Sequence[str],
        out: Path,
    ) -> None:  # fmt: skip
        """Lower the job's model by a recipe and write the file that ships, whole or not at all.

        Args:
            job: the model and its target.
            recipe: text of the recipe.
            identity_key, program_hash: what its evaluation is stored under, and what the program is.
            artifact_sha256: of what was evaluated; anything else is not written.
            out: path of the file; a file that is there is replaced.

        Raises:
            ModelError: the model cannot be written, or does not come out as expected.
        """

    def remarks(self, file: Path) -> Sequence[str]:
        """What a caller must know of a file that `write` wrote, one line each."""
        return ()

    def written(self, file: Path) -> Written | None:
        """What a file says that `write` wrote.

        Args:
            file: the file, of whatever family.

        Returns:
            It; None where a file of this family would say something, and this one does not.

        Raises:
            ModelError: the file is none of this family, or damaged.
        """
        return None

    def run_written(self, job: Job[Any], recipe: str, file: Path) -> str:
        """Run a file here and compare it with the default lowering; in a worker process.

        Args:
            job: the model and its target.
            recipe: text of the recipe that the file was written by.
            file: to run.

        Returns:
            What was run, for people.

        Raises:
            ModelError: something differs, or nothing can be run.
        """
        raise ModelError(f"{file}: files for {self.family} cannot be run here")

    def outputs(self, file: Path, inputs: Sequence[Path], seed: int) -> list[np.ndarray]:
        """Run a file here on a person's inputs.

        Args:
            file: to run.
            inputs: `.npy` and `.npz` files, in the order of the file's inputs. If there are none, random ones by
                `seed`.
            seed: of random inputs.

        Returns:
            The outputs in the order of the file's.

        Raises:
            ModelError: the file is none of this family, cannot be run here, or the inputs do not fit.
        """
        raise ModelError(f"{file}: files for {self.family} cannot be run here")

    def warm_up(self) -> None:  # noqa: B027 (there may be nothing to import)
        """Import what every task needs, in a worker process."""
