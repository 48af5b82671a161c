#include "api/queries.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "api/problem.h"
#include "api/query_answer.h"
#include "api/query_request.h"
#include "api/row_writer.h"
#include "base/edit_distance.h"
#include "base/log.h"
#include "io/spool_file.h"
#include "pipeline/named_query.h"

namespace weir::api {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Between two looks whether the client is there and time is left.
constexpr milliseconds between_looks{50};

http::Response unknown_query(const Api& api, const std::string& name) {
  std::vector<std::string_view> names;
  for (const NamedQuery& query : api.queries) names.push_back(query.name);
  const auto near = nearest(name, names);
  return problem(ProblemCode::not_found, "there is no query '" + name + "'",
                 near ? "did you mean '" + std::string(*near) + "'?" : "");
}

http::Response all_at_work(const Api& api) {
  http::Response response =
      problem(ProblemCode::too_much_waits,
              fmt::format("{} queries are at work, as many as may be", api.max_queries),
              "ask again later; 'max_queries' of 'api' says how many");
  response.headers.push_back({"retry-after", "1"});
  return response;
}

std::string content_type_of(QueryForm form) {
  const std::string type(query_media_types[static_cast<size_t>(form)]);
  return form == QueryForm::csv ? type + "; charset=utf-8; header=present" : type;
}

RowsForm rows_form(QueryForm form) {
  if (form == QueryForm::csv) return RowsForm::csv;
  return form == QueryForm::ndjson ? RowsForm::ndjson : RowsForm::json;
}

/// Why a query was ended from outside.
enum class Ended { no, client_left, out_of_time };

http::Response problem_of(const NamedQuery& query, const Error& error, Ended ended) {
  if (ended == Ended::out_of_time) {
    return problem(
        ProblemCode::took_too_long,
        fmt::format("query '{}' was not answered within {} s", query.name, query.timeout_ms / 1000),
        "ask for less; or give it more time: 'timeout' of the query");
  }
  // It is the project's SQL, and its rows: what the client asked for was read before.
  if (error.code == ErrorCode::sql || error.code == ErrorCode::invalid_input) {
    return problem(ProblemCode::query_failed,
                   fmt::format("query '{}': {}", query.name, error.message), error.fix);
  }
  return problem(error);
}

/// One query on its way to its client.
class Answering {
 public:
  Answering(const Project& project, pipeline::Databases& databases, const NamedQuery& query,
            const QueryRequest& request, http::Reply reply, std::shared_ptr<void> place)
      : project_(project),
        query_(query),
        form_(request.form),
        run_(pipeline::make_named_query_run(project, databases, query, request.values)),
        answer_(std::move(reply), content_type_of(request.form), std::move(place)) {}

  /// The rows are made by a thread of their own: a database may work long before the first of them,
  /// and a client may read slowly. This one sees to it that neither goes on for ever.
  void answer() {
    auto made = std::async(std::launch::async, [this] { return write(); });
    Ended ended = Ended::no;
    while (made.wait_for(between_looks) != std::future_status::ready) {
      if (ended == Ended::no) ended = look();
      if (ended == Ended::no) continue;
      answer_.cut();
      run_->interrupt();  // again and again: it may have been between two statements
    }
    end(made.get(), ended);
  }

 private:
  Ended look() const {
    if (answer_.gone()) return Ended::client_left;
    return SteadyClock::now() >= deadline_ ? Ended::out_of_time : Ended::no;
  }

  Result<void> write() {
    WEIR_TRY(form_ == QueryForm::parquet ? write_file() : write_rows());
    if (answer_.finish()) return {};
    return fail(ErrorCode::cancelled, "nobody reads any more");
  }

  Result<void> write_rows() {
    const auto writer = make_row_writer(rows_form(form_));
    pipeline::TextRows to;
    to.columns = [&](const std::vector<duckdb::ResultColumn>& columns) {
      writer->begin(columns, answer_.buffer());
      return true;
    };
    to.rows = [&](const server::RowBatch& rows) {
      writer->add(rows, answer_.buffer());
      return answer_.flow();
    };
    WEIR_TRY(run_->stream(to));
    writer->end(answer_.buffer());
    return {};
  }

  Result<void> write_file() {
    const auto folder = project_.state_dir() / "spool";
    std::error_code ignored;  // what keeps it from being there is told by the file
    std::filesystem::create_directories(folder, ignored);
    const auto file = WEIR_TRY(io::SpoolFile::create(folder.string()));
    WEIR_TRY(file->fill([&](const std::string& path) { return run_->write_parquet(path); }));
    const auto bytes = file->open();
    std::array<char, 64 * 1024> piece{};
    while (const size_t got = WEIR_TRY(bytes->read(piece.data(), piece.size()))) {
      answer_.buffer().append(piece.data(), got);
      if (!answer_.flow()) break;
    }
    return {};
  }

  void end(const Result<void>& made, Ended ended) {
    if (made) return;
    if (ended == Ended::no && answer_.gone()) ended = Ended::client_left;
    log::warning("query {} was not answered: {}", query_.name,
                 ended == Ended::client_left   ? "its client left"
                 : ended == Ended::out_of_time ? "its time was over"
                                               : made.error().to_string());
    answer_.fail(problem_of(query_, made.error(), ended));
  }

  const Project& project_;
  const NamedQuery& query_;
  const QueryForm form_;
  const SteadyClock::time_point deadline_ = SteadyClock::now() + milliseconds(query_.timeout_ms);
  const std::unique_ptr<pipeline::NamedQueryRun> run_;
  QueryAnswer answer_;
};

}  // namespace

class Queries::Place {
 public:
  explicit Place(std::atomic<size_t>& taken) : taken_(taken) {}
  ~Place() { --taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::atomic<size_t>& taken_;
};

std::function<void()> Queries::take(const std::string& name, const http::RequestHead& head,
                                    http::Reply reply) {
  const Api& api = *project_.api;
  const auto refuse = [&](http::Response response) {
    reply.send(std::move(response));
    return std::function<void()>();
  };
  const NamedQuery* query = api.find_query(name);
  if (query == nullptr) return refuse(unknown_query(api, name));
  auto read = read_query_request(project_, *query, head);
  if (auto* refused = std::get_if<http::Response>(&read)) return refuse(std::move(*refused));
  const auto form = std::get<QueryRequest>(read).form;
  if (head.method == "HEAD") {
    reply.stream({200, {{"content-type", content_type_of(form)}}, {}})->finish();
    return {};
  }
  if (++at_work_ > api.max_queries) {
    --at_work_;
    return refuse(all_at_work(api));
  }
  // A std::function can be copied, and what it does here can be done once.
  const auto answering =
      std::make_shared<Answering>(project_, databases_, *query, std::get<QueryRequest>(read),
                                  std::move(reply), std::make_shared<Place>(at_work_));
  return [answering] { answering->answer(); };
}

}  // namespace weir::api
