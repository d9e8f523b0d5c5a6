"""What screens ask the cache.

Every function takes a session on the cache first (`Workspace.read`) and returns frozen rows. Lists are sorted and
paged in SQL and need a fixed number of statements whatever their length.
"""

from hcrm_desktop.cache.queries.corrections import contested_exams, customer_changes
from hcrm_desktop.cache.queries.customers import count_customers, list_customers, search_customers, segments
from hcrm_desktop.cache.queries.record import customer_record
from hcrm_desktop.cache.queries.status import draft, overview, signed_in, sync_status, unsent_items
from hcrm_desktop.cache.queries.tasks import (
    count_contacts,
    count_escalated,
    count_tasks,
    sop_counts,
    task_case,
    tasks_today,
)
from hcrm_desktop.cache.queries.timeline import timeline

__all__ = [
    "contested_exams",
    "count_contacts",
    "count_customers",
    "count_escalated",
    "count_tasks",
    "customer_changes",
    "customer_record",
    "draft",
    "list_customers",
    "overview",
    "search_customers",
    "segments",
    "signed_in",
    "sop_counts",
    "sync_status",
    "task_case",
    "tasks_today",
    "timeline",
    "unsent_items",
]
