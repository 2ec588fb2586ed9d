"""The only place that reads fact files. Edges open a :class:`Knowledge`; rules receive what it hands out.

Files are read when asked for and kept, so that one plan reads little and a thousand plans read it once.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from ivigil.errors import BadKnowledge, UnknownName
from ivigil.knowledge import overlay
from ivigil.knowledge.asking import AskSigns, AskWords
from ivigil.knowledge.evidence import Alternatives, Mechanism, Study, Therapy
from ivigil.knowledge.indications import Indication
from ivigil.knowledge.policies import Policies
from ivigil.knowledge.products import Product
from ivigil.knowledge.rules import Rule, RuleBook
from ivigil.knowledge.vocabulary import Vocabulary
from ivigil.sources import Source

if TYPE_CHECKING:
    from ivigil.knowledge.body_sizes import ReferencePopulation
    from ivigil.knowledge.kinetic_models import KineticModel
    from ivigil.knowledge.protocol import Protocol, ReactionRates
    from ivigil.knowledge.published import PublishedKinetics
    from ivigil.knowledge.targets import TroughTarget

SHIPPED = Path(__file__).parent / "data"
#: The largest shipped file has 66 kB.
LARGEST_FILE = 1_000_000
PASSED_OVER = frozenset({".git"})
R = TypeVar("R", Product, Indication, "KineticModel", "Protocol", "ReferencePopulation")
M = TypeVar("M", bound=BaseModel)
#: Kinds whose records another command lists.
LISTED_BY = {
    "models": "kinetics models",
    "populations": "simulate --help",
    "protocol": "infuse protocol check",
    "targets": "kinetics targets",
    "simulation": "infuse simulate",
}


class Knowledge:
    """Shipped facts with, optionally, a site's overlay folder laid over them.

    Args:
        overlay_folder: the folder named by ``IVIGIL_KNOWLEDGE``, or None.
        shipped: where the shipped facts lie; tests pass their own.
    """

    def __init__(self, overlay_folder: Path | None = None, shipped: Path = SHIPPED) -> None:
        if overlay_folder is not None and not overlay_folder.is_dir():
            raise BadKnowledge(
                "IVIGIL_KNOWLEDGE", str(overlay_folder), "It must be a folder that exists.", "Correct or unset it."
            )
        self._shipped = shipped
        self._overlay = overlay_folder
        if overlay_folder is not None:
            _check_layout(overlay_folder, shipped)
        self._waiting: dict[str, tuple[overlay.Waiting, ...]] = {}
        self._signed_on: dict[str, tuple[tuple[str, date], ...]] = {}
        self.product = cache(self._product)
        self.indication = cache(self._indication)
        self.kinetic_model = cache(self._kinetic_model)
        self.population = cache(self._population)
        self.source = cache(self._source)
        self._shard = cache(self._read_shard)

    # ---- what there is

    @cached_property
    def product_ids(self) -> tuple[str, ...]:
        """Ids of all products, sorted."""
        return self._names("products")

    @cached_property
    def indication_ids(self) -> tuple[str, ...]:
        """Ids of all conditions, sorted."""
        return self._names("indications")

    @cached_property
    def kinetic_model_ids(self) -> tuple[str, ...]:
        """Ids of all kinetic models, sorted."""
        return self._names("models")

    @cached_property
    def population_ids(self) -> tuple[str, ...]:
        """Ids of all reference populations, sorted."""
        return self._names("populations")

    @cached_property
    def source_ids(self) -> tuple[str, ...]:
        """Ids of all sources, ``shard/key``, sorted."""
        return tuple(f"{shard}/{key}" for shard in self._names("sources") for key in sorted(self._shard(shard)))

    @cached_property
    def _shards(self) -> frozenset[str]:
        return frozenset(self._names("sources"))

    @cached_property
    def products(self) -> tuple[Product, ...]:
        """All products, by id."""
        return tuple(self.product(name) for name in self.product_ids)

    @cached_property
    def indications(self) -> tuple[Indication, ...]:
        """All conditions, by id."""
        return tuple(self.indication(name) for name in self.indication_ids)

    @cached_property
    def studies(self) -> tuple[Study, ...]:
        """All studies, by id."""
        return self._all("studies", Study)

    @cached_property
    def alternatives(self) -> tuple[Alternatives, ...]:
        """Alternatives by family of conditions."""
        return self._all("alternatives", Alternatives)

    @cached_property
    def therapies(self) -> tuple[Therapy, ...]:
        """Other therapies, whatever the condition."""
        return self._all("therapies", Therapy)

    @cached_property
    def marks(self) -> dict[str, Rule]:
        """What speaks for or against another therapy in one patient, by code: rows for the engine that screens."""
        own = [family.coded_marks(option) for family in self.alternatives for option in family.options.values()]
        return {
            code: mark for one in (*(each.coded_marks for each in self.therapies), *own) for code, mark in one.items()
        }

    @cached_property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """How immunoglobulin may work."""
        return self._all("mechanisms", Mechanism)

    @cached_property
    def ask_words(self) -> AskWords:
        """How questions in free words are read."""
        return self._validated("ask/words.toml", AskWords, self._raw("ask", "words"))

    @cached_property
    def published_kinetics(self) -> PublishedKinetics:
        """Measurements that the kinetic models are shown against."""
        from ivigil.knowledge.published import PublishedKinetics  # only who validates pays for its import

        return self._validated("validation/kinetics.toml", PublishedKinetics, self._raw("validation", "kinetics"))

    @cached_property
    def ask_signs(self) -> AskSigns:
        """Signs of a reaction as people write them."""
        return self._validated("ask/signs.toml", AskSigns, self._raw("ask", "signs"))

    def _all(self, kind: str, model: type[M]) -> tuple[M, ...]:
        return tuple(self._validated(f"{kind}/{name}.toml", model, self._raw(kind, name)) for name in self._names(kind))

    def _product(self, name: str) -> Product:
        return self._record("products", name, Product, self.product_ids)

    def _indication(self, name: str) -> Indication:
        return self._record("indications", name, Indication, self.indication_ids)

    def _kinetic_model(self, name: str) -> KineticModel:
        from ivigil.knowledge.kinetic_models import KineticModel  # only who forecasts pays for its import

        return self._record("models", name, KineticModel, self.kinetic_model_ids)

    def _population(self, name: str) -> ReferencePopulation:
        from ivigil.knowledge.body_sizes import ReferencePopulation  # only who simulates pays for its import

        return self._record("populations", name, ReferencePopulation, self.population_ids)

    def _source(self, name: str) -> Source:
        shard, _, key = name.partition("/")
        rows = self._shard(shard) if shard in self._shards else {}
        if key not in rows:
            raise UnknownName("src", name, "No source record has this id.", "Add it under data/sources or correct it.")
        return self._validated(f"sources/{shard}.toml#{key}", Source, {**rows[key], "id": name})

    @cached_property
    def trough_targets(self) -> dict[str, TroughTarget]:
        """Trough targets of replacement by name; none is a default."""
        from ivigil.knowledge.targets import TroughTarget  # only who doses by level pays for its import

        file = "targets/trough.toml"
        return {
            name: self._validated(f"{file}#{name}", TroughTarget, raw)
            for name, raw in self._raw("targets", "trough").items()
        }

    def trough_target(self, name: str) -> TroughTarget:
        """One target by its name."""
        if name not in self.trough_targets:
            raise UnknownName(
                "target",
                name,
                "No trough target has this name.",
                _did_you_mean(name, tuple(self.trough_targets), "targets"),
            )
        return self.trough_targets[name]

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """All screening rules by code, in the order in which they are shown."""
        merged: dict[str, Rule] = {}
        for name in self._names("screening"):
            merged |= self._validated(f"screening/{name}.toml", RuleBook, self._raw("screening", name)).rules
        return dict(sorted(merged.items(), key=lambda item: (item[1].order, item[0])))

    @cached_property
    def policies(self) -> Policies:
        """All policies."""
        return self._validated("policy/", Policies, {name: self._raw("policy", name) for name in self._names("policy")})

    @cached_property
    def protocol_ids(self) -> tuple[str, ...]:
        """Ids of all protocols of the chair, sorted."""
        return self._names("protocol")

    def protocol(self, name: str) -> Protocol:
        """One protocol of the chair."""
        from ivigil.knowledge.protocol import Protocol  # only who infuses pays for its import

        return self._record("protocol", name, Protocol, self.protocol_ids)

    @cached_property
    def reaction_rates(self) -> ReactionRates:
        """How often reactions come in simulated sessions."""
        from ivigil.knowledge.protocol import ReactionRates  # only who simulates pays for its import

        return self._validated("simulation/reactions.toml", ReactionRates, self._raw("simulation", "reactions"))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words a patient record may use."""
        return self._validated(
            "vocabulary/", Vocabulary, {name: self._raw("vocabulary", name) for name in self._names("vocabulary")}
        )

    # ---- what made a result

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over every shipped fact file, path and content."""
        return _fingerprint(self._shipped)

    @cached_property
    def overlay_fingerprint(self) -> str | None:
        """sha256 over every overlay file, or None without an overlay."""
        return None if self._overlay is None else _fingerprint(self._overlay)

    def waiting(self, kind: str, name: str) -> tuple[overlay.Waiting, ...]:
        """Overlay facts of one record that wait to be confirmed again. Read the record first."""
        return self._waiting.get(f"{kind}/{name}", ())

    def all_waiting(self) -> dict[str, tuple[str, ...]]:
        """Paths of the overlay facts that wait, by ``kind/name``, over every file the overlay has."""
        if self._overlay is None:
            return {}
        found = {}
        for path in sorted(self._overlay.glob("*/*.toml")):
            kind, name = path.parent.name, path.stem
            if kind != "sources":
                self._raw(kind, name)
                if waiting := self._waiting.get(f"{kind}/{name}"):
                    found[f"{kind}/{name}"] = tuple(one.path for one in waiting)
        return found

    def signed_on(self) -> dict[str, tuple[tuple[str, date], ...]]:
        """The path and the day of every signature in the overlay, by ``kind/name``."""
        self.all_waiting()
        return dict(self._signed_on)

    # ---- reading

    def file_names(self, kind: str) -> tuple[str, ...]:
        """Names of the fact files of a kind (a folder of ``data/``), sorted."""
        return self._names(kind)

    def raw(self, kind: str, name: str) -> dict[str, Any]:
        """The raw table of one file, overlay applied: for showing and for hashing facts."""
        return self._raw(kind, name)

    def _names(self, kind: str) -> tuple[str, ...]:
        folders = [self._shipped / kind] + ([self._overlay / kind] if self._overlay and kind == "sources" else [])
        return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))

    def _record(self, kind: str, name: str, model: type[R], known: tuple[str, ...]) -> R:
        if name not in known:
            raise UnknownName(
                kind.removesuffix("s"),
                name,
                f"No {kind.removesuffix('s')} has this id.",
                _did_you_mean(name, known, kind),
            )
        record = self._validated(f"{kind}/{name}.toml", model, self._raw(kind, name))
        if record.id != name:
            raise BadKnowledge(f"{kind}/{name}.toml: id", record.id, "The id is the file's name.", f"Write {name!r}.")
        return record

    def _raw(self, kind: str, name: str) -> dict[str, Any]:
        file = f"{kind}/{name}.toml"
        record = _read(self._shipped / file)
        if self._overlay is None or not (self._overlay / file).exists():
            return record
        replacements = overlay.read_replacements(_read(self._overlay / file), file)
        self._signed_on[f"{kind}/{name}"] = tuple((one.path, one.on) for one in replacements)
        record, waiting = overlay.lay_over(record, replacements, file)
        self._waiting[f"{kind}/{name}"] = waiting
        return record

    def _read_shard(self, shard: str) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        for folder in filter(None, (self._shipped, self._overlay)):
            path = folder / "sources" / f"{shard}.toml"
            for key, row in _read(path).items() if path.exists() else ():
                where = f"sources/{shard}.toml#{key}"
                if key in rows:
                    raise BadKnowledge(
                        where,
                        key,
                        "An overlay adds sources; it never replaces a shipped one.",
                        "Give yours another id.",
                    )
                if not isinstance(row, dict):
                    raise BadKnowledge(
                        where, row, "A source is a table.", f"Write its title and the rest under [{key}]."
                    )
                rows[key] = row
        return rows

    def _validated(self, file: str, model: type[M], raw: dict[str, Any]) -> M:
        try:
            return model.model_validate(raw)
        except ValidationError as problem:
            first = problem.errors()[0]
            keys = [str(key) for key in first["loc"]]
            # A folder is read as one record, whose first key is the file.
            named = f"{file}{keys.pop(0)}.toml" if file.endswith("/") and keys else file
            got = first.get("input")
            raise BadKnowledge(
                f"{named}: {'.'.join(keys)}",
                None if isinstance(got, dict) else got,
                first["msg"].removeprefix("Value error, ") + ".",
                "Correct the fact file; `ivigil knowledge schema` prints what a record may hold.",
            ) from problem


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as problem:
        raise BadKnowledge(
            str(path), None, "A fact file must be readable.", f"Check the file: {problem.strerror}."
        ) from problem
    except (ValueError, RecursionError) as problem:
        # ValueError: TOML, UTF-8, or an integer of more digits than Python reads.
        raise BadKnowledge(str(path), None, "A fact file is TOML in UTF-8.", f"Mend it: {problem}.") from problem


def _check_layout(folder: Path, shipped: Path) -> None:
    """Refuse whatever would lie in the overlay unread, or be read without being in its fingerprint."""
    kinds = sorted(path.name for path in shipped.iterdir() if path.is_dir())
    for path in _inside(folder):
        below = path.relative_to(folder)
        kind = below.parts[0]
        if path.is_symlink():
            raise BadKnowledge(
                below.as_posix(),
                str(path.readlink()),
                "An overlay holds files, no links: what a link leads to can change unseen.",
                "Put a copy of the file in its place.",
            )
        if path.is_dir() and path.parent == folder and kind in kinds:
            continue
        if path.is_dir() or len(below.parts) != 2 or kind not in kinds:  # noqa: PLR2004 - a folder and a file
            raise BadKnowledge(
                below.as_posix(),
                None,
                "An overlay mirrors the folders of the facts.",
                f"Move it into one of: {', '.join(kinds)}.",
            )
        if path.suffix != ".toml" or not path.is_file():
            raise BadKnowledge(
                below.as_posix(), None, "Only TOML files are read.", f"Write it as {path.stem}.toml, or take it out."
            )
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise BadKnowledge(
                below.as_posix(), f"{size} bytes", "No file of facts is this large.", "Take out what is no fact."
            )
        if kind != "sources" and not (shipped / below).exists():
            known = tuple(one.stem for one in sorted((shipped / kind).glob("*.toml")))
            raise BadKnowledge(
                below.as_posix(),
                path.stem,
                f"An overlay replaces facts of a file that is shipped; there is no {kind} file of this name.",
                _did_you_mean(path.stem, known, kind),
            )


def _inside(folder: Path, levels: int = 2) -> Iterator[Path]:
    """Everything in an overlay, files before their folder; the version control of the folder itself is passed over.

    A folder inside a folder of facts is refused itself, so nobody walks further than ``levels`` below the first.
    """
    for path in sorted(folder.iterdir()):
        if path.name in PASSED_OVER and path.is_dir():
            continue
        if levels and path.is_dir() and not path.is_symlink():
            yield from _inside(path, levels - 1)
        yield path


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.toml")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return "sha256:" + digest.hexdigest()


def _did_you_mean(name: str, known: tuple[str, ...], kind: str) -> str:
    from rapidfuzz import process

    close = [match for match, _, _ in process.extract(name, known, limit=3, score_cutoff=60)]
    hint = f"Did you mean {', '.join(close)}? " if close else ""
    command = LISTED_BY.get(kind, f"knowledge list {kind}")
    return f"{hint}`ivigil {command}` lists them all."
