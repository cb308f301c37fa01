-- A condition on customer or tag reaches the indexes of tag_change; one on dates is judged behind the window.
select
    customer_id,
    tag,
    value,
    valid_from,
    valid_to,
    business_date,
    build_id
from (
    select
        customer_id,
        tag,
        value,
        valid_from,
        lead(valid_from) over (partition by customer_id, tag order by valid_from) as valid_to,
        business_date,
        build_id
    from {{ ref('tag_change') }}
    where build_id in (select publication.build_id from governance.publication)
) as version
where value is not null
