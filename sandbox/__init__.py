"""A local AWS whose instances really boot, for tests, the demo and benchmarks. See README.md."""

from sandbox.client import Sandbox, SandboxError
from sandbox.instance import Instance, Result

__all__ = ["Instance", "Result", "Sandbox", "SandboxError"]
