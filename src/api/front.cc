#include "api/front.h"

#include <fmt/format.h>

#include <memory>

#include "api/answers.h"
#include "api/openapi.h"
#include "api/problem.h"
#include "api/rows.h"
#include "base/log.h"
#include "model/run.h"

namespace weir::api {
namespace {

using Kind = Target::Kind;
using SteadyClock = std::chrono::steady_clock;

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

/// The client's own, when it is sound; so that its log and ours can be laid side by side.
std::string request_id(const http::RequestHead& head, const Clock& clock) {
  const std::string* given = http::find_header(head.headers, "x-request-id");
  const bool sound = given != nullptr && !given->empty() && given->size() <= 64 &&
                     given->find_first_not_of(
                         "0123456789abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:") == std::string::npos;
  return sound ? *given : new_run_id(clock.now()).value();
}

}  // namespace

/// A request that was let in.
struct Front::Asked {
  Target target;
  http::Request request;
  http::Reply reply;
  ApiKey key;
};

namespace {

/// Adds to every answer who asked for what, and writes the access log.
class Noting final : public http::Reply::Sink {
 public:
  Noting(http::Reply reply, const http::Request& request, std::string id)
      : reply_(std::move(reply)),
        id_(std::move(id)),
        method_(request.head.method),
        path_(request.head.path),
        peer_(request.peer) {}

  void send(http::Response response) override {
    note(response);
    reply_.send(std::move(response));
  }
  std::unique_ptr<http::BodyWriter> stream(http::Response head) override {
    note(head);
    return reply_.stream(std::move(head));
  }

  void watch_client() override { reply_.watch_client(); }
  bool client_left() const override { return reply_.client_left(); }

  void set_key(const std::string& id) { key_ = id; }

 private:
  void note(http::Response& response) {
    response.headers.push_back({"x-request-id", id_});
    if (!log::enabled(log::Level::info)) return;
    const std::chrono::duration<double, std::milli> taken = SteadyClock::now() - begun_;
    const log::With request("request", id_), method("method", method_), path("path", path_),
        status("status", std::to_string(response.status)), key("key", key_), peer("peer", peer_),
        duration("duration_ms", fmt::format("{:.2f}", taken.count()));
    log::info("{} {} {}", method_, path_, response.status);
  }

  http::Reply reply_;
  const std::string id_, method_, path_, peer_;
  std::string key_;
  const SteadyClock::time_point begun_ = SteadyClock::now();
};

}  // namespace

std::variant<uint64_t, http::Response> Front::admit(const http::RequestHead& head) const {
  const Target target = parse_path(head.path);
  if (target.kind == Kind::unknown) {
    return problem(ProblemCode::not_found, "there is nothing at this path",
                   "/openapi.json says what there is");
  }
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
  auto noting =
      std::make_shared<Noting>(std::move(reply), request, request_id(request.head, parts_.clock));
  Asked asked{target, std::move(request), http::Reply(noting), {}};
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
  auto& rows = std::get<ReadRows>(read);
  // A std::function can be copied, and a reply cannot.
  const auto reply = std::make_shared<http::Reply>(std::move(asked.reply));
  const auto submitted = parts_.rows.submit(
      std::move(rows.request),
      [reply, preference = std::move(rows.preference)](const pipeline::RowsAnswer& answer) {
        http::Response response = rows_response(answer);
        if (!preference.empty()) response.headers.push_back({"preference-applied", preference});
        reply->send(std::move(response));
      });
  if (!submitted) reply->send(problem(submitted.error()));
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
