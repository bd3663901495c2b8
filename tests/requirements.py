"""The loop's contract on the wire, sentence by sentence, and the tests that hold each.

`tests/architecture/test_requirements.py` sees to it that every test named here exists.
"""

from __future__ import annotations

from collections.abc import Mapping

_ONE = "tests/contract/loop/test_one_answer.py"
_FAULTS = "tests/contract/loop/test_faults.py"
_RETRIES = "tests/contract/loop/test_retries.py"
_NARROWING = "tests/contract/loop/test_narrowing.py"
_MESSAGES = "tests/contract/messages/test_messages_loop.py"
_GEMINI = "tests/contract/gemini/test_gemini_loop.py"
_FOLLOW_UP = "tests/contract/memory/test_follow_up_turns.py"
_STORED = "tests/contract/responses/test_stored_responses.py"
_STATE = "tests/contract/memory/test_reasoning_state.py"
_RESPONSES = "tests/contract/responses/test_responses_loop.py"
_RESPONSES_FAULTS = "tests/contract/responses/test_responses_faults.py"
_BROUGHT = "tests/contract/brought/test_mcp_servers.py"
_MISTAKES = "tests/contract/matrix/test_mistakes_of_clients.py"
_BROKEN = "tests/contract/matrix/test_faults_within_streams.py"
_MESSAGES_FAULTS = "tests/contract/messages/test_messages_faults.py"

LOOP_CONTRACT: Mapping[str, tuple[str, ...]] = {
    "One request is one run: one response id, one finish_reason, one terminal event, however many the rounds.": (
        f"{_ONE}::test_several_rounds_leave_as_one_stream_with_one_id_and_one_end",
        f"{_ONE}::test_several_rounds_make_one_whole_answer",
        f"{_MESSAGES}::test_several_rounds_make_one_answer",
        f"{_GEMINI}::test_a_tool_runs_within_a_stream",
        f"{_MESSAGES}::test_a_stream_has_one_start_and_one_end_and_its_blocks_follow_each_other",
        f"{_RESPONSES}::test_several_rounds_make_one_answer",
        f"{_RESPONSES}::test_a_stream_has_one_id_and_one_end_and_its_items_follow_each_other",
    ),
    "Deltas of calls to our tools never leave.": (
        f"{_ONE}::test_deltas_of_calls_to_our_tools_never_leave",
        f"{_RESPONSES}::test_a_stream_has_one_id_and_one_end_and_its_items_follow_each_other",
    ),
    "Text of every round leaves, except under response_format, where only the last round's text leaves.": (
        f"{_ONE}::test_several_rounds_leave_as_one_stream_with_one_id_and_one_end",
        f"{_ONE}::test_under_response_format_only_the_last_rounds_text_leaves",
        f"{_RESPONSES}::test_under_a_form_of_the_answer_only_the_last_rounds_text_leaves",
    ),
    "A tool_choice that forces a tool holds for round one only.": (
        f"{_ONE}::test_a_tool_choice_that_forces_a_call_holds_for_the_first_round_only",
        f"{_RESPONSES}::test_a_forced_choice_holds_for_the_first_round_only",
    ),
    "max_tokens holds for each model call.": (
        f"{_ONE}::test_max_tokens_holds_for_each_model_call",
        f"{_RESPONSES}::test_max_output_tokens_holds_for_each_model_call",
    ),
    "n > 1 with our tools attached is 400.": (
        f"{_ONE}::test_more_than_one_choice_is_refused_while_tools_are_attached",
    ),
    "usage is the sum over rounds; on Messages the last round's, with the sum in toolgate.usage.": (
        f"{_ONE}::test_usage_is_the_sum_over_rounds",
        f"{_MESSAGES}::test_usage_is_that_of_the_last_round_and_the_sum_is_told_to_those_who_ask",
        f"{_RESPONSES}::test_usage_is_the_sum_over_rounds",
    ),
    "Calls to the client's own tools end the turn in the client's way; ours of the same turn have run by then, "
    "and are put back into the history when the client returns.": (
        f"{_ONE}::test_the_clients_own_tools_end_the_turn_and_ours_have_run_by_then",
        f"{_MESSAGES}::test_the_clients_own_tools_end_the_turn_and_ours_are_put_back_when_it_returns",
        f"{_RESPONSES}::test_the_clients_own_tools_end_the_turn_and_ours_are_put_back_when_it_returns",
    ),
    "What the gateway did for an answer is put back byte for byte when the answer returns unedited, for the "
    "same key, unless that key is not remembered.": (
        f"{_FOLLOW_UP}::test_the_second_turn_begins_with_all_that_the_first_one_sent_byte_for_byte",
        f"{_FOLLOW_UP}::test_an_answer_that_the_client_has_edited_stands_as_the_client_has_it",
        f"{_FOLLOW_UP}::test_another_key_with_the_same_conversation_gets_nothing_of_it",
        f"{_FOLLOW_UP}::test_nothing_is_kept_or_put_back_for_a_key_that_is_not_remembered",
    ),
    "What a model thought comes back to it with its proof, through any client, and to no other family.": (
        f"{_STATE}::test_thoughts_before_a_call_of_the_clients_come_back_with_their_proof",
        f"{_STATE}::test_what_chat_models_thought_comes_back_under_the_name_it_had",
        f"{_STATE}::test_a_fallback_within_the_family_gets_the_proofs_and_another_model_gets_none",
        f"{_STATE}::test_a_fallback_in_the_middle_of_our_own_loop_gets_no_foreign_proofs",
    ),
    "Stored responses and items are resolved for the key that made them; another key's are like none.": (
        f"{_STORED}::test_what_came_before_a_response_need_not_be_sent_again",
        f"{_STORED}::test_items_can_be_referred_to_in_the_place_of_being_sent",
        f"{_STORED}::test_a_stored_response_can_be_seen_with_what_was_asked_and_forgotten",
        f"{_STORED}::test_another_keys_response_is_answered_like_one_that_never_was",
        f"{_STORED}::test_for_a_key_that_is_not_remembered_nothing_is_stored_and_the_answer_says_so",
    ),
    "Tools that the provider would run itself are never forwarded in silence: policy decides on them.": (
        "tests/contract/loop/test_provider_tools.py::test_they_are_denied_by_default_on_both_ways_through",
        "tests/contract/loop/test_provider_tools.py::test_a_policy_can_allow_them",
        f"{_MESSAGES_FAULTS}::test_tools_that_the_provider_runs_are_denied_by_default",
        f"{_MESSAGES_FAULTS}::test_a_policy_allows_them_by_their_name_without_a_date",
        f"{_RESPONSES_FAULTS}::test_tools_that_the_provider_runs_are_denied_by_default",
    ),
    "A server of ours that the request names has its tools attached, as far as request and policy allow, and its "
    "calls shown.": (
        f"{_BROUGHT}::test_calls_and_results_are_shown_in_their_places",
        f"{_BROUGHT}::test_a_request_narrows_which_tools_are_attached",
        f"{_BROUGHT}::test_a_hidden_server_is_answered_like_a_missing_one",
        f"{_BROUGHT}::test_credentials_beside_our_own_servers_go_nowhere",
        "tests/contract/brought/test_mcp_tools.py::test_the_listing_and_the_calls_are_items_in_their_places",
        "tests/contract/brought/test_mcp_tools.py::test_a_stream_tells_of_each_step",
    ),
    "A retry with the same key and body joins the run whose answer got lost.": (
        f"{_RETRIES}::test_the_official_sdks_own_retry_joins_the_run_whose_answer_was_lost",
        f"{_RETRIES}::test_a_retry_of_a_request_that_ended_well_is_told_the_same_answer",
        f"{_RETRIES}::test_the_same_request_after_one_that_broke_off_half_done_does_not_write_again",
        f"{_MESSAGES}::test_a_retry_of_the_sdk_joins_the_run_whose_answer_was_lost",
        f"{_RESPONSES}::test_a_retry_of_the_sdk_joins_the_run_whose_answer_was_lost",
    ),
    "A client that wants it exact sends Idempotency-Key.": (
        f"{_RETRIES}::test_an_idempotency_key_finds_the_run_exactly",
    ),
    "Once a tool that may write has run, an error carries x-should-retry: false.": (
        f"{_FAULTS}::test_once_a_tool_may_have_written_an_error_says_not_to_retry",
    ),
    "When the client leaves, the model call and read-only tools are cancelled.": (
        f"{_RETRIES}::test_a_client_that_leaves_stops_the_model",
        f"{_RETRIES}::test_when_a_client_leaves_a_read_only_tool_is_cancelled",
    ),
    "Calls that may write finish within their deadline and are recorded.": (
        f"{_RETRIES}::test_when_a_client_leaves_a_call_that_may_write_finishes_and_is_recorded",
    ),
    "A fault before the first byte is an HTTP error in the client's dialect; after it, that dialect's own error "
    "event, then the end of the stream.": (
        f"{_FAULTS}::test_a_provider_that_breaks_off_before_the_first_byte_is_an_http_error",
        f"{_FAULTS}::test_a_fault_within_a_stream_is_an_error_event_and_the_end",
        f"{_MESSAGES_FAULTS}::test_a_fault_within_a_stream_is_an_error_event_and_the_end",
        f"{_RESPONSES_FAULTS}::test_a_fault_within_a_stream_is_an_error_event_and_the_end",
        f"{_BROKEN}::test_a_providers_error_is_the_clients_own_error_at_the_end",
        f"{_BROKEN}::test_what_breaks_off_or_makes_no_sense_is_an_error",
        f"{_BROKEN}::test_bytes_that_pass_through_and_break_off_end_in_an_error",
    ),
    "What cannot be served is refused in the client's own dialect, by the name of the field, before a provider is "
    "asked.": (
        f"{_MISTAKES}::test_what_is_no_json_object",
        f"{_MISTAKES}::test_a_conversation_of_the_wrong_type",
        f"{_MISTAKES}::test_a_model_that_is_not_there",
        f"{_MISTAKES}::test_a_model_that_the_key_may_not_use_is_answered_like_one_that_is_not_there",
        f"{_MISTAKES}::test_a_body_over_the_limit",
        f"{_MISTAKES}::test_several_answers_from_a_provider_that_gives_one",
        f"{_MISTAKES}::test_probabilities_of_tokens_from_a_provider_of_another_form",
        f"{_MISTAKES}::test_an_image_by_url_for_a_provider_that_takes_bytes",
    ),
    "The toolgate field and the header can only narrow what the key may do.": (
        f"{_NARROWING}::test_header_and_field_both_narrow",
        f"{_NARROWING}::test_narrowing_never_widens",
    ),
    "The response tells the run id, rounds, each call with server, tool, verdict, duration and error flag, and "
    "the servers that are unavailable.": (
        f"{_ONE}::test_a_client_that_asks_is_told_what_its_run_did",
        f"{_NARROWING}::test_else_the_answer_names_the_dead_servers_and_goes_on_without",
        f"{_RESPONSES}::test_what_the_run_did_is_told_to_those_who_ask",
    ),
    "Progress events are extra fields on chunks, or pings, which SDKs ignore; comments or pings are heartbeats.": (
        f"{_ONE}::test_progress_events_are_extra_fields_that_the_sdk_ignores",
        f"{_ONE}::test_a_silent_stream_is_kept_alive_by_comments",
        f"{_MESSAGES}::test_progress_is_told_in_pings_that_the_sdk_leaves_out",
        f"{_MESSAGES}::test_a_silent_stream_is_kept_alive_by_pings",
        f"{_RESPONSES}::test_progress_is_told_in_events_that_the_sdk_leaves_out",
        f"{_RESPONSES}::test_a_silent_stream_is_kept_alive_by_events_that_say_nothing",
    ),
    "The audit trail keeps digests, and write targets in clear.": (
        f"{_ONE}::test_the_runs_audit_shows_all_of_it",
        "tests/unit/tool_calls/test_pipeline.py::test_the_record_says_who_what_and_where_but_not_the_arguments",
    ),
}
