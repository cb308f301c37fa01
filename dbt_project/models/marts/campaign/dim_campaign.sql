select
    campaign.campaign_id,
    campaign.name,
    campaign.product_id,
    product.product_line,
    campaign.start_date,
    campaign.end_date,
    campaign.is_randomised,
    {{ build_columns() }}
from {{ latest_delivery('stg_campaign__campaign') }} as campaign
left join {{ current('int_product') }} as product on campaign.product_id = product.product_id
