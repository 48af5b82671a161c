#include "api/front.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "api/answers.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "api/rows.h"

namespace weir::api {
namespace {

using Kind = Target::Kind;

/// Of bodies that say what is to be run.
constexpr uint64_t order_bytes = 64 * 1024;
/// Each holds a worker.
constexpr int most_followers = 4;

bool is_open(Kind kind) {
  return kind == Kind::health || kind == Kind::description || kind == Kind::docs;
}

http::Response wrong_method(const Target& target) {
  const std::string methods(methods_of(target.kind));
  http::Response response =
      problem(ProblemCode::method_not_allowed, "this address takes " + methods);
  response.headers.push_back({"allow", methods});
  return response;
}

/// What was committed, or refused as a whole: an answer that was given before counts once.
void count_rows(metrics::ApiMetrics& metrics, const TableName& table,
                const pipeline::RowsAnswer& answer) {
  using Answer = pipeline::RowsAnswer::Kind;
  const Receipt& receipt = answer.receipt;
  if (answer.kind == Answer::done) metrics.rows_ended(table, receipt.rows, receipt.broken_rules);
  if (answer.kind != Answer::all_refused) return;
  RowCounts refused;
  refused.rejected = receipt.rows.rejected;
  metrics.rows_ended(table, refused, receipt.broken_rules);
}

}  // namespace

/// A request that was let in.
struct Front::Asked {
  Target target;
  http::Request request;
  http::Reply reply;
  std::shared_ptr<Noting> noting;  // to which the reply goes
  ApiKey key;
};

Front::Front(FrontParts parts)
    : parts_(std::move(parts)),
      cors_(parts_.project.api->origins),
      notes_{cors_, parts_.metrics, parts_.tracer, parts_.clock} {}

metrics::ApiMetrics::Labels Front::labels(const Project& project) {
  metrics::ApiMetrics::Labels labels;
  for (size_t kind = 0; kind < target_kinds; ++kind) {
    labels.routes.emplace_back(route_of(static_cast<Kind>(kind)));
  }
  for (const Table& table : project.tables) labels.tables.push_back(table.name);
#define X(code, status, title) \
  if (status == 429 || status == 503) labels.refusals.emplace_back(#code);
  WEIR_PROBLEM_TABLE(X)
#undef X
  return labels;
}

std::variant<uint64_t, http::Response> Front::admit(const http::RequestHead& head,
                                                    const std::string& peer) const {
  const auto begun = std::chrono::steady_clock::now();
  const Target target = parse_path(head.path);
  auto admitted = judge(target, head);
  if (auto* refused = std::get_if<http::Response>(&admitted)) {
    note_refusal(notes_, target.kind, head, peer, begun, *refused);
  }
  return admitted;
}

std::variant<uint64_t, http::Response> Front::judge(const Target& target,
                                                    const http::RequestHead& head) const {
  if (target.kind == Kind::unknown) {
    return problem(ProblemCode::not_found, "there is nothing at this path",
                   "/openapi.json says what there is");
  }
  if (auto answer = cors_.preflight(head, methods_of(target.kind))) return *std::move(answer);
  if (!takes(target.kind, head.method)) return wrong_method(target);
  if (is_open(target.kind)) return uint64_t{0};
  const auto key = parts_.gate.identify(head);
  if (const auto* refused = std::get_if<http::Response>(&key)) return *refused;
  if (auto refused = check_scope(target, std::get<ApiKey>(key), head)) return *std::move(refused);
  if (target.kind == Kind::rows || target.kind == Kind::csv_rows) {
    const RowsRoute* route = rows_route(*parts_.project.api, target, head);
    return route != nullptr ? route->max_bytes : order_bytes;
  }
  return methods_of(target.kind) == "POST" ? order_bytes : uint64_t{0};
}

std::optional<http::Response> Front::check_scope(const Target& target, const ApiKey& key,
                                                 const http::RequestHead& head) const {
  bool may = key.scopes.admin;
  std::string wanted = "admin";
  if (target.kind == Kind::rows || target.kind == Kind::csv_rows) {
    const RowsRoute* route = rows_route(*parts_.project.api, target, head);
    if (route == nullptr) return std::nullopt;  // what is asked for is not there, or not said
    may = key.scopes.allows_rows(route->table.value());
    wanted = "rows of table '" + route->table.value() + "'";
  } else if (target.kind == Kind::query) {
    may = key.scopes.allows_query(target.name);
    wanted = "query '" + target.name + "'";
  }
  if (may) return std::nullopt;
  return problem(ProblemCode::out_of_scope, fmt::format("key {} is not for {}", key.id, wanted),
                 "ask for a key that is: `weir key create --help`");
}

std::function<void()> Front::take(http::Request request, http::Reply reply) {
  const Target target = parse_path(request.head.path);
  auto noting = std::make_shared<Noting>(std::move(reply), request, target.kind, notes_);
  Asked asked{target, std::move(request), http::Reply(noting), noting, {}};
  if (!is_open(target.kind)) {
    // It may have been revoked while the body came.
    auto key = parts_.gate.identify(asked.request.head);
    if (auto* refused = std::get_if<http::Response>(&key)) {
      asked.reply.send(std::move(*refused));
      return {};
    }
    asked.key = std::get<ApiKey>(std::move(key));
    noting->set_key(asked.key.id);
  }
  if (target.kind == Kind::rows || target.kind == Kind::csv_rows) {
    take_rows(std::move(asked));
    return {};
  }
  if (target.kind == Kind::query) return take_query(std::move(asked));
  const auto shared = std::make_shared<Asked>(std::move(asked));
  return [this, shared] { answer(*shared); };
}

void Front::take_rows(Asked asked) {
  const RowsRoute* route = rows_route(*parts_.project.api, asked.target, asked.request.head);
  const std::string plan = route != nullptr ? route->plan : std::string(standard_plan);
  if (auto refused = parts_.gate.count(asked.key, plan)) {
    return asked.reply.send(*std::move(refused));
  }
  auto read = read_rows(parts_.project, asked.target, asked.key, asked.request, parts_.clock);
  if (auto* refused = std::get_if<http::Response>(&read)) {
    return asked.reply.send(std::move(*refused));
  }
  submit(std::get<ReadRows>(std::move(read)), std::move(asked));
}

void Front::submit(ReadRows rows, Asked asked) {
  const TableName table = rows.request.table;
  const uint64_t bytes = rows.request.body.size();
  const bool dry = rows.request.keep == pipeline::RowsRequest::Keep::nothing;
  rows.request.span = asked.noting->span();
  // A std::function can be copied, and a reply cannot.
  const auto reply = std::make_shared<http::Reply>(std::move(asked.reply));
  parts_.metrics.rows_wait(table, bytes);
  const auto submitted = parts_.rows.submit(
      std::move(rows.request),
      [this, reply, noting = asked.noting, table, bytes, dry,
       preference = std::move(rows.preference)](const pipeline::RowsAnswer& answer) {
        parts_.metrics.rows_answered(table, bytes);
        if (!dry) count_rows(parts_.metrics, table, answer);
        if (answer.commit) noting->link(*answer.commit);
        http::Response response = rows_response(answer);
        if (!preference.empty()) response.headers.push_back({"preference-applied", preference});
        reply->send(std::move(response));
      });
  if (submitted) return;
  parts_.metrics.rows_answered(table, bytes);
  reply->send(problem(submitted.error()));
}

std::function<void()> Front::take_query(Asked asked) {
  const NamedQuery* query = parts_.project.api->find_query(asked.target.name);
  const std::string plan = query != nullptr ? query->plan : std::string(standard_plan);
  if (auto refused = parts_.gate.count(asked.key, plan)) {
    asked.reply.send(*std::move(refused));
    return {};
  }
  return parts_.queries.take(asked.target.name, asked.request.head, std::move(asked.reply));
}

void Front::answer_monitoring(Asked& asked) {
  http::Response response = parts_.admin.answer(asked.request);
  asked.reply.send(std::move(response));
}

/// On a worker.
void Front::answer(Asked& asked) {
  const Target& target = asked.target;
  if (target.kind == Kind::health) return answer_monitoring(asked);
  if (target.kind == Kind::description) {
    return asked.reply.send({200,
                             {{"content-type", "application/json"}},
                             openapi(parts_.project).to_pretty_string() + "\n"});
  }
  if (target.kind == Kind::docs) {
    return asked.reply.send(
        {200,
         {{"content-type", "text/html; charset=utf-8"},
          {"content-security-policy",
           "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}},
         docs_page(parts_.project)});
  }
  if (!is_open(target.kind)) {
    if (auto refused = parts_.gate.count(asked.key, std::string(standard_plan))) {
      return asked.reply.send(*std::move(refused));
    }
  }
  const auto parameters = Parameters::parse(asked.request.head.query);
  if (!parameters) {
    return asked.reply.send(problem(ProblemCode::malformed, "the query string does not decode"));
  }
  const OwnerAnswers answers{parts_.ask};
  const std::string* accept = http::find_header(asked.request.head.headers, "accept");
  const auto listing = [&](const char* verb, text::Json named,
                           const std::vector<std::string_view>& texts) {
    auto args = listing_arguments(*parameters, texts);
    if (!args) return asked.reply.send(problem(args.error()));
    for (const auto& [name, value] : named.as_object()) args->set(name, value);
    answers.rows(verb, *std::move(args), accept, std::move(asked.reply));
  };
  const text::Json run = text::Json::object().set("run", target.name);
  switch (target.kind) {
    case Kind::monitoring: return answer_monitoring(asked);
    case Kind::runs: return listing("runs", {}, {"pipeline", "state", "object", "since", "until"});
    case Kind::run: return answers.receipt(target.name, std::move(asked.reply));
    case Kind::run_rejects: return listing("rejects", run, {});
    case Kind::run_logs: {
      const std::string* follow = parameters->find("follow");
      const bool events = accept != nullptr && accept->starts_with("text/event-stream");
      if (!events && (follow == nullptr || *follow != "true"))
        return listing("logs", run, {"level"});
      if (++followers_ > most_followers) {
        --followers_;
        return asked.reply.send(
            problem(ProblemCode::too_much_waits, "too many follow a log", "ask again later"));
      }
      answers.follow_log(run, std::move(asked.reply));
      --followers_;
      return;
    }
    case Kind::start: {
      auto args = run_arguments(target.name, asked.request.body);
      if (!args) return asked.reply.send(problem(args.error()));
      return answers.start("run", *std::move(args), std::move(asked.reply));
    }
    case Kind::run_retry: return answers.start("retry", run, std::move(asked.reply));
    case Kind::run_replay: return answers.start("replay", run, std::move(asked.reply));
    default:
      return asked.reply.send(problem(ProblemCode::not_found, "there is nothing at this path",
                                      "/openapi.json says what there is"));
  }
}

}  // namespace weir::api
