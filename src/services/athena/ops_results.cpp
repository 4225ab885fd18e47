#include <fmt/format.h>

#include <charconv>

#include "services/athena/result_files.h"
#include "services/athena/service.h"
#include "services/athena/shared.h"

namespace mekong::athena {
namespace {

constexpr int32_t page_rows_max = 1000;
constexpr size_t read_bytes = 1 << 20;

model::ColumnInfo column_info(const sql::ResultColumn& column) {
  model::ColumnInfo out;
  out.catalog_name = "hive";
  out.schema_name = "";
  out.table_name = "";
  out.name = column.name;
  out.label = column.name;
  out.type = column.type;
  out.precision = column.precision;
  out.scale = column.scale;
  out.nullable = "UNKNOWN";
  out.case_sensitive = column.type == "varchar";
  return out;
}

// A page goes on at a byte of the result's file: "<query>:<offset>".
Result<uint64_t> offset_of(const std::optional<std::string>& token, const std::string& query,
                           uint64_t size_bytes) {
  if (!token) return uint64_t{0};
  MEKONG_TRY_ASSIGN(const auto text, after_of(token));
  const auto refused = invalid("NextToken is not one that was handed out for this query.");
  if (!text.starts_with(query + ":")) return refused;
  uint64_t offset = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + query.size() + 1, end, offset);
  if (read.ec != std::errc() || read.ptr != end || offset >= size_bytes) return refused;
  return offset;
}

struct RowPage {
  std::vector<sql::ResultRow> rows;
  uint64_t next = 0;  // the byte after the last row
};

// Reads only as much of the file as the page needs.
Result<RowPage> read_rows(const objects::ObjectAccess& access, const objects::Object& object, uint64_t offset,
                          size_t rows_max, bool is_csv) {
  RowPage page;
  page.next = offset;
  std::string text;  // what was read and not taken begins at `at`
  size_t at = 0;
  uint64_t end = offset;
  while (page.rows.size() < rows_max) {
    size_t used = 0;
    const bool whole = end >= object.size_bytes;
    const auto rest = std::string_view(text).substr(at);
    if (auto row = is_csv ? take_csv(rest, used, whole) : take_line(rest, used, whole)) {
      page.rows.push_back(std::move(*row));
      at += used;
      page.next += used;
      continue;
    }
    if (whole) break;
    const auto size = std::min<uint64_t>(read_bytes, object.size_bytes - end);
    MEKONG_TRY_ASSIGN(const auto more, access.read(object, end, size));
    text.erase(0, at);
    at = 0;
    text += more;
    end += size;
  }
  return page;
}

}  // namespace

Result<model::GetQueryResultsOutput> Service::get_query_results(api::Context& ctx,
                                                                const model::GetQueryResultsInput& request) {
  MEKONG_TRY_ASSIGN(const auto found, execution(ctx, request.query_execution_id));
  if (request.query_result_type.value_or("DATA_ROWS") != "DATA_ROWS") {
    return unbuilt("GetQueryResults", "QueryResultType other than DATA_ROWS");
  }
  if (found.state != "SUCCEEDED") {
    return invalid(found.ended() ? "Query did not finish successfully. Final query state: " + found.state
                                 : "Query has not yet finished. Current state: " + found.state,
                   "INVALID_QUERY_EXECUTION_STATE");
  }
  model::GetQueryResultsOutput out;
  out.update_count = found.updated_rows;
  auto& result = out.result_set.emplace();
  auto& columns = result.result_set_metadata.emplace().column_info.emplace();
  for (const auto& column : found.columns) columns.push_back(column_info(column));
  auto& page = result.rows.emplace();
  const bool is_csv = found.output_location.ends_with(".csv");
  if (!is_csv && !found.output_location.ends_with(".txt")) return out;  // what it wrote is elsewhere
  MEKONG_TRY_ASSIGN(const auto place, objects::parse_location(found.output_location));
  const objects::ObjectAccess access(engines_.objects, engines_.authoriser, ctx.principal, &called_via);
  MEKONG_TRY_ASSIGN(const auto object, access.head(place.bucket, place.key));
  MEKONG_TRY_ASSIGN(const auto offset, offset_of(request.next_token, found.id, object.size_bytes));
  const auto limit = limit_of(request.max_results, page_rows_max);
  MEKONG_TRY_ASSIGN(const auto read, read_rows(access, object, offset, limit, is_csv));
  for (const auto& row : read.rows) {
    auto& data = page.emplace_back().data.emplace();
    for (const auto& value : row) data.push_back({value});
  }
  if (read.next < object.size_bytes) out.next_token = token_of(fmt::format("{}:{}", found.id, read.next));
  return out;
}

}  // namespace mekong::athena
