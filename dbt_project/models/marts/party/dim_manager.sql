select
    manager_id,
    name,
    branch_id,
    status,
    effective_date,
    known_date,
    {{ build_columns() }}
from {{ current('int_manager') }} as manager
