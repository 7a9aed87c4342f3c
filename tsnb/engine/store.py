"""Which models are registered, in which versions, and which version is the default. Pure bookkeeping."""

from __future__ import annotations

from typing import Generic, TypeVar

from tsnb.errors import Conflict, InvalidModelVersion, ModelNotFound, ModelVersionNotFound

T = TypeVar("T")


class Store(Generic[T]):
    """Models by name and version. The first version of a name becomes its default (spec 7.10)."""

    def __init__(self) -> None:
        self._versions: dict[str, dict[str, T]] = {}
        self._defaults: dict[str, str] = {}

    def names(self) -> list[str]:
        """All model names, sorted."""
        return sorted(self._versions)

    def all(self) -> list[T]:
        """Every version of every model."""
        return [model for versions in self._versions.values() for model in versions.values()]

    def default(self, name: str) -> str:
        """The default version of a model."""
        self._known(name)
        return self._defaults[name]

    def defaults(self) -> list[T]:
        """The default version of every model."""
        return [self._versions[name][version] for name, version in self._defaults.items()]

    def check_free(self, name: str, version: str) -> None:
        """Raise Conflict if this version is registered."""
        if version in self._versions.get(name, {}):
            raise Conflict(f"Model version {version} is already registered for model {name}")

    def add(self, name: str, version: str, model: T) -> None:
        """Register a version. Raises Conflict."""
        self.check_free(name, version)
        self._versions.setdefault(name, {})[version] = model
        self._defaults.setdefault(name, version)

    def get(self, name: str, version: str | None = None) -> T:
        """A version, by default the default one. Raises ModelNotFound, ModelVersionNotFound."""
        versions = self._versions.get(name)
        if versions is None:
            raise ModelNotFound(f"Model not found: {name}")
        model = versions.get(self._defaults[name] if version is None else version)
        if model is None:
            raise ModelVersionNotFound(f"Model version: {version} does not exist for model: {name}")
        return model

    def versions(self, name: str) -> list[T]:
        """Every version of a model, in the order of registration."""
        self._known(name)
        return list(self._versions[name].values())

    def check_removable(self, name: str, version: str | None) -> str:
        """The version that removing would remove. Raises InvalidModelVersion for a default beside others."""
        self.get(name, version)
        wanted = self._defaults[name] if version is None else version
        if wanted == self._defaults[name] and len(self._versions[name]) > 1:
            raise InvalidModelVersion(f"Cannot remove default version for model {name}")
        return wanted

    def remove(self, name: str, version: str) -> T:
        """Forget a version."""
        model = self._versions[name].pop(version)
        if not self._versions[name]:
            del self._versions[name], self._defaults[name]
        elif self._defaults[name] == version:
            self._defaults[name] = next(iter(self._versions[name]))
        return model

    def set_default(self, name: str, version: str) -> None:
        """Make a version the default one. Raises ModelNotFound, ModelVersionNotFound (spec 2.7: no colon)."""
        self._known(name)
        if version not in self._versions[name]:
            raise ModelVersionNotFound(f"Model version {version} does not exist for model {name}")
        self._defaults[name] = version

    def _known(self, name: str) -> None:
        if name not in self._versions:
            raise ModelNotFound(f"Model not found: {name}")
