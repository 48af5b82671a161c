#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/rows.h"
#include "io/memory_stream.h"
#include "text/csv_records.h"
#include "text/fuzz_input.h"
#include "text/json_records.h"
#include "text/record_blocks.h"

namespace weir::api {
namespace {

constexpr const char* content_types[] = {"application/json",
                                         "application/x-ndjson",
                                         "text/csv",
                                         "text/csv; charset=utf-8",
                                         "application/json; charset=\"latin1\"",
                                         "TEXT/CSV ;charset=utf-8",
                                         ""};
constexpr const char* targets[] = {"/api/tables/people/rows", "/api/rows", "/api/tables/log/rows"};
constexpr const char* queries[] = {"",
                                   "mode=merge",
                                   "mode=append&mode=merge",
                                   "table=people&schema=public&append=true",
                                   "table=log&schema=main&append=false",
                                   "%zz"};
constexpr const char* preferences[] = {"", "tx=rollback", "handling=strict, tx=rollback",
                                       ",;=\"\""};

template <size_t N>
std::string pick(const char* const (&choices)[N], text::FuzzInput& input) {
  static_assert(N < 256);
  return choices[input.choose(static_cast<uint8_t>(N))];
}

const Project& project() {
  static const Project made = [] {
    Project project;
    for (const char* name : {"people", "log"}) {
      Table table;
      table.name = TableName(name);
      table.database = DatabaseName("db");
      Column id;
      id.name = "id";
      table.columns = {id};
      if (table.name.value() == "people") table.key = {"id"};
      project.tables.push_back(std::move(table));
    }
    complete_api(project);
    return project;
  }();
  return made;
}

/// As a load would read it: every record is counted once, in order, inside the body.
void read_body(const pipeline::RowsRequest& request) {
  const Pipeline* steps =
      project().find_pipeline(rows_pipeline_name(request.table, request.mode, request.format));
  if (steps == nullptr) std::abort();
  auto options = text::record_options(std::get<ReadStep>(steps->steps.front()), "");
  options.columns = 1;
  options.chunk_bytes = 4096;
  io::MemoryStream stream(request.body);
  text::RecordBlocks blocks(stream, options);
  text::RecordBlock block;
  uint64_t end = 0;
  const auto look = [&](auto&& records) {
    for (text::RecordSlice record; records.next(record);) {
      if (record.offset < end || record.offset + record.length > request.body.size()) std::abort();
      end = record.offset + record.length;
    }
    blocks.digest(block);
    blocks.finish(block, records.count());
  };
  for (;;) {
    const auto more = blocks.next(block);
    if (!more || !*more) return;  // an encoding that is not read, or the end
    if (request.format == Format::json) {
      look(text::JsonRecords(block));
    } else {
      look(text::CsvRecords(block));
    }
  }
}

}  // namespace
}  // namespace weir::api

/// The input: bytes that choose a request's address, parameters and headers, then its body.
/// Whatever it is, it is a request that a load can read, or an answer that says what is wrong.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::api;
  text::FuzzInput input(data, size);
  http::Request request;
  request.head.method = "POST";
  request.head.path = pick(targets, input);
  request.head.query = pick(queries, input);
  const std::string type = pick(content_types, input);
  if (!type.empty()) request.head.headers.push_back({"content-type", type});
  const std::string preference = pick(preferences, input);
  if (!preference.empty()) request.head.headers.push_back({"prefer", preference});
  request.body = std::string(input.rest());
  const uint64_t bytes = request.body.size();

  const SystemClock clock;
  const Target target = parse_path(request.head.path);
  const auto read = read_rows(project(), target, ApiKey{}, request, clock);
  if (const auto* refused = std::get_if<http::Response>(&read)) {
    if (refused->status < 400 || refused->status > 499 || refused->body.empty()) std::abort();
    return 0;
  }
  const auto& rows = std::get<ReadRows>(read).request;
  if (rows.body.size() != bytes) std::abort();
  read_body(rows);
  return 0;
}
