select
    card.*,
    {{ build_columns() }}
from {{ newest('stg_card__card', ['card_id']) }} as card
