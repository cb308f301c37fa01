-- A daily build holds what is scored (the last 90 days), a training build what is learnt from (two years).
with link as (
    select
        customer_id,
        linked_customer_id
    from {{ state('bridge_identity') }} as identity
)

select
    feedback.feedback_id,
    coalesce(link.linked_customer_id, feedback.customer_id) as customer_id,
    feedback.feedback_date,
    feedback.language,
    feedback.feedback_text,
    feedback.score,
    {{ build_columns() }}
from {{ history('fct_feedback') }} as feedback
left join link on feedback.customer_id = link.customer_id
where
    feedback.feedback_date <= {{ business_date() }}
    and feedback.feedback_date > {{ business_date() }} - {{ 730 if var('build_kind') == 'training' else 90 }}
