#pragma once

#include <functional>
#include <string>

#include "api/request_target.h"
#include "http/reply.h"
#include "owner/protocol.h"

namespace weir::api {

/// Answers what the owner's verbs answer, as HTTP. Each takes its reply, and waits until all is
/// sent, or nobody reads any more.
struct OwnerAnswers {
  const owner::Handler& ask;

  /// Rows as a JSON list of objects, or CSV when `accept` prefers it.
  void rows(const std::string& verb, text::Json args, const std::string* accept,
            http::Reply reply) const;
  /// One receipt: of a run that has ended, or what is known of it.
  void receipt(const std::string& run, http::Reply reply) const;
  /// Has runs queued: 202 with their ids.
  void start(const std::string& verb, text::Json args, http::Reply reply) const;
  /// What a run has to say as server-sent events, until it ends.
  void follow_log(text::Json args, http::Reply reply) const;
};

/// The arguments of a verb from a request's parameters and body. Errors: usage, invalid_input.
Result<text::Json> run_arguments(const std::string& pipeline, const std::string& body);
Result<text::Json> listing_arguments(const Parameters& parameters,
                                     const std::vector<std::string_view>& texts);

}  // namespace weir::api
