select
    manager.*,
    {{ build_columns() }}
from {{ newest('stg_crm__manager', ['manager_id']) }} as manager
