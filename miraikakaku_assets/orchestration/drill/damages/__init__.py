"""The damages of a drill, in their order."""

from miraikakaku_assets.application.drill.frame import Damage
from miraikakaku_assets.orchestration.drill.damages.database import DATABASE
from miraikakaku_assets.orchestration.drill.damages.files import FILES
from miraikakaku_assets.orchestration.drill.damages.services import SERVICES
from miraikakaku_assets.orchestration.drill.damages.source import SOURCE
from miraikakaku_assets.orchestration.drill.grounds import Grounds

DAMAGES: tuple[Damage[Grounds], ...] = (*SOURCE, *SERVICES, *DATABASE, *FILES)
