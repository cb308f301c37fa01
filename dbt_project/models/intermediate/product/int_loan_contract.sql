select
    contract.*,
    {{ build_columns() }}
from {{ newest('stg_loan__contract', ['contract_id']) }} as contract
