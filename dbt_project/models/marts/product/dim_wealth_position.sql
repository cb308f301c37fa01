-- By person, as dim_account: positions of linked customer numbers are one.
select
    coalesce(link.linked_customer_id, held.customer_id) as customer_id,
    held.product_id,
    product.product_line,
    min(held.first_date) as first_date,
    max(held.position_date) as valued_date,
    sum(held.market_value_amount)::numeric(18, 2) as market_value_amount,
    {{ build_columns() }}
from {{ current('int_wealth_position') }} as held
inner join {{ current('int_product') }} as product on held.product_id = product.product_id
left join {{ current('bridge_identity') }} as link on held.customer_id = link.customer_id
where held.first_date is not null
group by coalesce(link.linked_customer_id, held.customer_id), held.product_id, product.product_line
