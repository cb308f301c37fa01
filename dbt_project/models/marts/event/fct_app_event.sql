select
    done.event_id,
    done.session_id,
    done.customer_id,
    (done.occurred_at at time zone '{{ var('timezone') }}')::date as event_date,
    done.occurred_at,
    done.event_type,
    done.screen,
    done.product_id,
    product.product_line,
    {{ build_columns() }}
from {{ ref('stg_mobile__event') }} as done
left join {{ current('int_product') }} as product on done.product_id = product.product_id
where done.business_date = {{ business_date() }}
