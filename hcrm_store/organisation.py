"""The group: sites, departments, teams and staff. Reference data, readable by everybody who is signed in."""

from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped

from hcrm_core.terms import DepartmentKind
from hcrm_store.base import Base, general, new_id


class Site(Base):
    """院区."""

    __tablename__ = "site"

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    code: Mapped[str] = general(unique=True)
    name: Mapped[str] = general()
    active: Mapped[bool] = general(default=True, server_default="true")
    ver: Mapped[int] = general(default=1, server_default="1")


class Department(Base):
    """科室: optometry or refractive, at one site."""

    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("site_id", "code"),)

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = general(ForeignKey("site.id"))
    code: Mapped[str] = general()
    name: Mapped[str] = general()
    kind: Mapped[DepartmentKind] = general()
    ver: Mapped[int] = general(default=1, server_default="1")


class Team(Base):
    """小组 inside a department; QC ranks teams."""

    __tablename__ = "team"
    __table_args__ = (UniqueConstraint("department_id", "code"),)

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    department_id: Mapped[UUID] = general(ForeignKey("department.id"))
    code: Mapped[str] = general()
    name: Mapped[str] = general()
    ver: Mapped[int] = general(default=1, server_default="1")


class Staff(Base):
    """员工. The names of colleagues are general knowledge inside the group."""

    __tablename__ = "staff"

    id: Mapped[UUID] = general(primary_key=True, default=new_id)
    code: Mapped[str] = general(unique=True)
    name: Mapped[str] = general()
    role: Mapped[str] = general()  # terms.Role: the main duty; accounts carry the authority
    site_id: Mapped[UUID] = general(ForeignKey("site.id"), index=True)
    department_id: Mapped[UUID | None] = general(ForeignKey("department.id"))
    team_id: Mapped[UUID | None] = general(ForeignKey("team.id"))
    active: Mapped[bool] = general(default=True, server_default="true")
    ver: Mapped[int] = general(default=1, server_default="1")
