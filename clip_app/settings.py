"""Everything that can be set: environment variables `CLIP_APP_*`, then command-line flags."""

import argparse
import ipaddress
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

import platformdirs
from annotated_types import Ge, Le
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from clip_app.errors import InputError
from clip_app.strings import Language, text

_PACKAGE = Path(__file__).resolve().parent

#: Starter model, example photographs, label sets and the like: beside the package in a checkout,
#: inside it where it was installed.
ASSETS = next(
    folder for folder in (_PACKAGE.parent / "assets", _PACKAGE / "assets") if folder.is_dir()
)


def _index_folder() -> Path:
    """Where indexes are kept by default: `data/index` of a checkout that has one, else the user's
    data folder, which every checkout and an installed package share.
    """
    in_checkout = _PACKAGE.parent / "data" / "index"
    if in_checkout.is_dir():
        return in_checkout
    return platformdirs.user_data_path("clip_app", appauthor=False) / "index"


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("clip_app", appauthor=False)


#: The flags of `python app.py`, in the order in which `--help` shows them.
FLAGS = (
    "model",
    "device",
    "engine",
    "export",
    "precision",
    "language",
    "host",
    "port",
    "share",
    "auth",
    "api_keys",
    "rate_limit",
    "fetch_images",
    "mcp",
    "open_browser",
    "allow_model_change",
    "allow_sorting",
    "model_root",
    "gallery_roots",
    "index_dir",
    "gallery_store",
    "max_upload_mb",
    "cache_mb",
    "cache_dir",
)


# What is said of settings that take texts of a form.
_FORMS = {"rate_limit": "setting_rate", "gallery_store": "setting_store"}

#: What loading a model uses.
MODEL_SETTINGS = ("model", "device", "engine", "export", "precision", "cache_mb", "cache_dir")

#: What opening the index uses.
INDEX_SETTINGS = ("index_dir", "gallery_store", "qdrant_api_key", "qdrant_replicas", "qdrant_ca")


class Settings(BaseSettings):
    """One reading of the environment; every other module is handed this object.

    What each setting means is said in `clip_app.strings`, as `setting_<name>`.
    """

    model_config = SettingsConfigDict(env_prefix="CLIP_APP_", populate_by_name=True)

    model: str = "auto"
    device: Literal["auto", "cuda", "mps", "cpu"] = "auto"
    engine: Literal["auto", "onnx", "torch"] = "auto"
    export: bool = True
    precision: Literal["auto", "float32", "float16", "bfloat16", "int8"] = "auto"
    language: Literal["auto", "zh", "en"] = "auto"
    host: str = "127.0.0.1"
    port: int = Field(7860, ge=0, le=65535)
    share: bool = False
    auth: SecretStr | None = None
    api_keys: SecretStr | None = None
    rate_limit: str | None = Field(None, pattern=r"^[1-9]\d{0,8}/(second|minute|hour|day)$")
    fetch_images: bool = False
    mcp: bool = False
    open_browser: bool = False
    allow_model_change: bool | None = None
    allow_sorting: bool | None = None
    model_root: Path | None = None
    gallery_roots: Annotated[tuple[Path, ...], NoDecode] = ()
    index_dir: Path = Field(default_factory=_index_folder)
    gallery_store: str = Field(
        "sqlite", pattern=r"^(sqlite|qdrant\+(https?://.+|path:.+|memory:))$"
    )
    qdrant_api_key: SecretStr | None = None
    qdrant_replicas: int = Field(2, ge=1)
    qdrant_ca: Path | None = None
    max_upload_mb: int = Field(50, ge=1)
    cache_mb: int = Field(256, ge=1)
    cache_dir: Path = Field(default_factory=_cache_folder)
    on_spaces: str | None = Field(None, validation_alias=AliasChoices("SPACE_ID"))
    zero_gpu: bool = Field(False, validation_alias=AliasChoices("SPACES_ZERO_GPU"))

    @field_validator("gallery_roots", mode="before")
    @classmethod
    def _split_paths(cls, value: Any) -> Any:
        return [one for one in value.split(os.pathsep) if one] if isinstance(value, str) else value

    @field_validator("gallery_store")
    @classmethod
    def _check_nodes(cls, value: str) -> str:
        """Refuse a node without a host, or with a port that is none: `urlsplit` raises for it."""
        scheme, _, nodes = value.partition("://")
        named = [one.strip() for one in nodes.split(",") if one.strip()] or [""]
        for one in named if scheme.startswith("qdrant+http") else ():
            node = urlsplit(one if "://" in one else f"//{one}")
            if not node.hostname or node.port == 0:
                raise ValueError(one)
        return value

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password of `auth`, or None where the page is open.

        Raises:
            InputError: if `auth` is not of the form USER:PASSWORD.
        """
        if self.auth is None:
            return None
        # One from a file ends with a break, which nobody could type.
        user, separator, password = self.auth.get_secret_value().strip("\r\n").partition(":")
        if not (user.strip() and separator and password.strip()):
            raise InputError("auth_malformed")
        return user, password

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of `api_keys`, which commas stand between; none where the API is open.

        Raises:
            InputError: if `api_keys` is set and holds no key: a secret that did not arrive must not
                open the API.
        """
        if self.api_keys is None:
            return ()
        given = self.api_keys.get_secret_value().split(",")
        keys = tuple(one.strip() for one in given if one.strip())
        if not keys:
            raise InputError("api_keys_empty")
        return keys

    @property
    def listen_on(self) -> str:
        """The address to listen on: a Space is reached from outside its container."""
        return "0.0.0.0" if self.on_spaces else self.host  # noqa: S104

    @property
    def visitors_may_change_model(self) -> bool:
        """Whether the page offers other models: not where one visitor would change it for all, nor
        where a GPU is lent, which takes no model that is loaded after the start.
        """
        if self.allow_model_change is not None:
            return self.allow_model_change and not self.zero_gpu
        return self.is_personal

    @property
    def visitors_may_sort(self) -> bool:
        """Whether the page moves and tags photographs of the galleries: not for strangers."""
        return self.is_personal if self.allow_sorting is None else self.allow_sorting

    @property
    def is_personal(self) -> bool:
        """Whether the page is reached from this machine alone."""
        return not (self.share or self.on_spaces) and _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    host = host.strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def add_flags(
    parser: argparse.ArgumentParser, language: Language, names: Sequence[str] = FLAGS
) -> None:
    """Add the settings `names` to a parser; a flag that is not given leaves the environment's.

    Args:
        parser: of the command line.
        language: of the help.
        names: attributes of `Settings`.
    """
    for name in names:
        field = Settings.model_fields[name]
        options: dict[str, Any] = {
            "help": text(f"setting_{name}", language),
            "default": argparse.SUPPRESS,
        }
        if field.annotation in (bool, bool | None):
            options["action"] = argparse.BooleanOptionalAction
        parser.add_argument(f"--{name.replace('_', '-')}", **options)


def read_settings(
    flags: argparse.Namespace | None = None, uses: Collection[str] | None = None
) -> Settings:
    """The environment's settings, overridden by the flags that were given.

    Args:
        flags: of the command line.
        uses: the settings that the command uses; a wrong variable of another one does not matter
            and is read as the default. None: all are used.

    Raises:
        InputError: if a value is not one that the setting takes.
    """
    given = {k: v for k, v in vars(flags).items() if k in FLAGS} if flags else {}
    return _made(given, uses)


def settings_of(**given: Any) -> Settings:
    """The environment's settings, overridden by those that a program gives.

    Raises:
        InputError: if a value is not one that the setting takes.
        TypeError: if there is no such setting.
    """
    if unknown := given.keys() - Settings.model_fields.keys():
        raise TypeError(f"there is no setting {', '.join(sorted(unknown))}")
    return _made(given)


def _made(given: dict[str, Any], uses: Collection[str] | None = None) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [(str(one["loc"][0]), one) for one in error.errors()]
    for name, one in wrong:
        if uses is None or name in uses or name in given:
            raise _refused(name, one["input"])
    return Settings(**{name: _field(name).default for name, _ in wrong}, **given)


def _field(name: str) -> FieldInfo:
    """What a setting is, by its name or the variable that it is read from."""
    for key, field in Settings.model_fields.items():
        alias = field.validation_alias
        if key == name or (isinstance(alias, AliasChoices) and name in alias.choices):
            return field
    raise KeyError(name)


def _refused(name: str, given: object) -> InputError:
    """What a person is told of a value that a setting does not take: which ones it takes."""
    field = _field(name)
    told: dict[str, Any] = {"name": name, "given": str(given)}
    if get_origin(field.annotation) is Literal:
        return InputError("setting_choice", choices=", ".join(get_args(field.annotation)), **told)
    if field.annotation is int:
        least = next(one.ge for one in field.metadata if isinstance(one, Ge))
        most = next((one.le for one in field.metadata if isinstance(one, Le)), None)
        key = "setting_number" if most is None else "setting_number_between"
        return InputError(key, least=least, most=most, **told)
    return InputError(_FORMS.get(name, "setting_switch"), **told)
