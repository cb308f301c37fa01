-- Assets after the horizon are lbl_churn's: the movements of the whole bank are added up once.
select
    as_of_date,
    customer_id,
    aum_amount,
    later_aum_amount,
    case
        when aum_amount < 50000 then later_aum_amount >= 50000
        when aum_amount < 200000 then later_aum_amount >= 200000
        else later_aum_amount >= 1000000
    end as is_value_up,
    {{ build_columns() }}
from {{ current('lbl_churn') }} as later
where aum_amount < 1000000
