select
    holding.customer_id,
    case
        when not {{ delivered('contact_centre.call') }} then null
        when interaction.complaint_count_90d > 0 then 'complained'
        when interaction.unresolved_call_count_90d > 0 then 'unresolved'
        when interaction.call_count_90d > 0 then 'served'
        else 'quiet'
    end as service_state,
    case
        when not {{ delivered('contact_centre.call') }} then null
        when interaction.call_count_90d = 0 then 'none'
        when interaction.call_count_90d < 3 then 'some'
        else 'frequent'
    end as call_frequency,
    case when {{ delivered('contact_centre.call') }} then interaction.call_close_account_count_365d > 0 end
        as asked_to_close,
    case when {{ delivered('contact_centre.complaint') }} then interaction.unresolved_complaint_count_90d > 0 end
        as has_open_complaint,
    case when {{ delivered('contact_centre.complaint') }} then interaction.complaint_count_365d >= 2 end
        as complains_repeatedly,
    case
        when not {{ delivered('contact_centre.survey') }} then null
        when survey.nps_count_365d = 0 then 'unknown'
        when survey.nps_score_sum_365d <= 6 * survey.nps_count_365d then 'detractor'
        when survey.nps_score_sum_365d < 9 * survey.nps_count_365d then 'passive'
        else 'promoter'
    end as nps_group,
    case
        when not {{ delivered('contact_centre.survey') }} then null
        when survey.csi_count_365d = 0 then 'unknown'
        when survey.csi_score_sum_365d < 3 * survey.csi_count_365d then 'low'
        when survey.csi_score_sum_365d < 4 * survey.csi_count_365d then 'middle'
        else 'high'
    end as satisfaction,
    case
        when not {{ delivered('contact_centre.feedback') }} then null
        when feedback.scored_feedback_count_365d = 0 then 'unknown'
        when feedback.feedback_score_sum_365d < 2.5 * feedback.scored_feedback_count_365d then 'bad'
        when feedback.feedback_score_sum_365d < 3.5 * feedback.scored_feedback_count_365d then 'mixed'
        else 'good'
    end as feedback_mood,
    case
        when not {{ delivered('crm.visit') }} then null
        when interaction.days_since_visit is null then 'none'
        when interaction.days_since_visit < 90 then 'within_90d'
        else 'within_365d'
    end as manager_visit,
    case
        when not {{ delivered('crm.assignment') }} then null
        when holding.days_with_manager is null then 'none'
        when holding.days_with_manager < 90 then 'new'
        else 'settled'
    end as manager_care,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('ind_interaction') }} as interaction
    on
        holding.customer_id = interaction.customer_id
        and holding.as_of_date = interaction.as_of_date
inner join {{ current('ind_survey') }} as survey
    on
        holding.customer_id = survey.customer_id
        and holding.as_of_date = survey.as_of_date
inner join {{ current('ind_feedback') }} as feedback
    on
        holding.customer_id = feedback.customer_id
        and holding.as_of_date = feedback.as_of_date
where holding.as_of_date = {{ business_date() }}
