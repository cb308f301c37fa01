-- A face of ind_all: what is written once need not be written again for readers.
select
    customer_id,
    {{- wide_columns() }}
    business_date,
    build_id
from {{ ref('ind_all') }}
where as_of_date = business_date
