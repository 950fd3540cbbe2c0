"""What SageMaker's scikit-learn image refuses, though a model would start on this machine.

The image imports the module that SAGEMAKER_PROGRAM names, and finds it in the folder that SAGEMAKER_SUBMIT_DIRECTORY
names; it has no default for either that works. Its Python is 3.9. Sources:
https://github.com/aws/sagemaker-scikit-learn-container (serving.py; docker/1.2-1/base/Dockerfile.cpu),
https://github.com/aws/sagemaker-containers (_server.py, _modules.py)
"""

from collections.abc import Mapping
from pathlib import Path

from canary_tools.sandbox.sagemaker import python_39

_NAME = "/sagemaker-scikit-learn:"
_MODEL_FOLDER = "/opt/ml/model"
"""Where SageMaker unpacks a model's archive."""


def refusal(image: str, environment: Mapping[str, str], model_folder: Path) -> str | None:
    """Return why a container of this image would not start; `None` for any other image, or if nothing is seen."""
    if _NAME not in image:
        return None
    program = environment.get("SAGEMAKER_PROGRAM")
    if program is None:
        return "AttributeError: 'NoneType' object has no attribute 'startswith' (SAGEMAKER_PROGRAM is not set)"
    submitted = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submitted.startswith("s3://"):
        return None
    code = model_folder / submitted.removeprefix(_MODEL_FOLDER).strip("/")
    if not submitted.startswith(_MODEL_FOLDER) or not (code / program).is_file():
        module = Path(program).stem
        return f"ImportModuleError: No module named {module!r} (SAGEMAKER_SUBMIT_DIRECTORY is {submitted or 'not set'})"
    problems = ((file, python_39.problem(file.read_text(encoding="utf-8"))) for file in sorted(code.rglob("*.py")))
    return next((f"{problem} ({file.name}, in Python 3.9)" for file, problem in problems if problem), None)
