#include "services/glue/convert.h"
#include "services/glue/service.h"

namespace mekong::glue {
namespace {

using Name = catalog::TableName;

template <class Request>
Status authorise_table(api::Context& ctx, const Request& request) {
  return authorise(ctx, request.catalog_id, {.database = request.database_name, .table = request.table_name});
}
template <class Request>
Name name_of(const Request& request) {
  return {request.database_name, request.table_name};
}

}  // namespace

Result<model::CreatePartitionResponse> Service::create_partition(
    api::Context& ctx, const model::CreatePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY_ASSIGN(auto partition, from_model(ctx, request.partition_input));
  MEKONG_TRY(catalog_.create_partitions(ctx.scope(), name_of(request), {std::move(partition)}));
  return model::CreatePartitionResponse{};
}

Result<model::BatchCreatePartitionResponse> Service::batch_create_partition(
    api::Context& ctx, const model::BatchCreatePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  std::vector<catalog::Partition> partitions;
  for (const auto& input : request.partition_input_list) {
    MEKONG_TRY_ASSIGN(auto partition, from_model(ctx, input));
    partitions.push_back(std::move(partition));
  }
  MEKONG_TRY_ASSIGN(const auto errors,
                    catalog_.create_each_partition(ctx.scope(), name_of(request), std::move(partitions)));
  model::BatchCreatePartitionResponse response;
  response.errors.emplace();
  for (const auto& error : errors) response.errors->push_back({error.values, to_model(error.error)});
  return response;
}

Result<model::GetPartitionResponse> Service::get_partition(api::Context& ctx,
                                                           const model::GetPartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY_ASSIGN(const auto found,
                    catalog_.get_partition(ctx.scope(), name_of(request), request.partition_values));
  model::GetPartitionResponse response;
  response.partition = to_model(ctx, name_of(request), found);
  return response;
}

Result<model::GetPartitionsResponse> Service::get_partitions(api::Context& ctx,
                                                             const model::GetPartitionsRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY(refuse(ctx, {{request.transaction_id.has_value(), "TransactionId"},
                          {request.query_as_of_time.has_value(), "QueryAsOfTime"}}));
  catalog::PartitionQuery query;
  MEKONG_TRY_ASSIGN(query.page, page_of(request.next_token, request.max_results, 1000));
  if (const auto& segment = request.segment) {
    if (segment->total_segments < 1 || segment->segment_number < 0 ||
        segment->segment_number >= segment->total_segments) {
      return Error{"InvalidInputException", "Segment: SegmentNumber must be below TotalSegments."};
    }
    query.segment = catalog::Segment{segment->segment_number, segment->total_segments};
  }
  std::optional<catalog::PartitionFilter> filter;
  if (request.expression && !request.expression->empty()) {
    MEKONG_TRY_ASSIGN(const auto table, catalog_.get_table(ctx.scope(), name_of(request)));
    MEKONG_TRY_ASSIGN(filter, catalog::PartitionFilter::parse(*request.expression, table.partition_keys,
                                                              catalog::FilterDialect::glue));
    query.filter = &*filter;
  }
  MEKONG_TRY_ASSIGN(const auto found, catalog_.list_partitions(ctx.scope(), name_of(request), query));
  model::GetPartitionsResponse response;
  response.partitions.emplace();
  for (const auto& partition : found.items) {
    response.partitions->push_back(to_model(ctx, name_of(request), partition));
    auto& storage = response.partitions->back().storage_descriptor;
    if (request.exclude_column_schema.value_or(false) && storage) storage->columns.reset();
  }
  response.next_token = token_of(found.next);
  return response;
}

Result<model::BatchGetPartitionResponse> Service::batch_get_partition(
    api::Context& ctx, const model::BatchGetPartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY(refuse(ctx, {{request.query_session_context.has_value(), "QuerySessionContext"}}));
  std::vector<std::vector<std::string>> wanted;
  for (const auto& list : request.partitions_to_get) wanted.push_back(list.values);
  MEKONG_TRY_ASSIGN(const auto found, catalog_.get_partitions(ctx.scope(), name_of(request), wanted));
  model::BatchGetPartitionResponse response;
  response.partitions.emplace();
  response.unprocessed_keys.emplace();
  for (const auto& partition : found) {
    response.partitions->push_back(to_model(ctx, name_of(request), partition));
  }
  return response;
}

Result<model::UpdatePartitionResponse> Service::update_partition(
    api::Context& ctx, const model::UpdatePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY_ASSIGN(auto partition, from_model(ctx, request.partition_input));
  if (partition.values.empty()) partition.values = request.partition_value_list;
  MEKONG_TRY(catalog_.update_partition(ctx.scope(), name_of(request), request.partition_value_list,
                                       std::move(partition)));
  return model::UpdatePartitionResponse{};
}

Result<model::BatchUpdatePartitionResponse> Service::batch_update_partition(
    api::Context& ctx, const model::BatchUpdatePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY(catalog_.get_table(ctx.scope(), name_of(request)));
  std::vector<catalog::Partition> partitions;  // all of them first: what is not built changes nothing
  for (const auto& entry : request.entries) {
    MEKONG_TRY_ASSIGN(auto partition, from_model(ctx, entry.partition_input));
    if (partition.values.empty()) partition.values = entry.partition_value_list;
    partitions.push_back(std::move(partition));
  }
  model::BatchUpdatePartitionResponse response;
  response.errors.emplace();
  for (size_t i = 0; i < partitions.size(); ++i) {
    const auto& values = request.entries[i].partition_value_list;
    const Status updated =
        catalog_.update_partition(ctx.scope(), name_of(request), values, std::move(partitions[i]));
    if (!updated.ok()) response.errors->push_back({values, to_model(updated.error())});
  }
  return response;
}

Result<model::DeletePartitionResponse> Service::delete_partition(
    api::Context& ctx, const model::DeletePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY(catalog_.delete_partition(ctx.scope(), name_of(request), request.partition_values));
  return model::DeletePartitionResponse{};
}

Result<model::BatchDeletePartitionResponse> Service::batch_delete_partition(
    api::Context& ctx, const model::BatchDeletePartitionRequest& request) {
  MEKONG_TRY(authorise_table(ctx, request));
  MEKONG_TRY(catalog_.get_table(ctx.scope(), name_of(request)));
  model::BatchDeletePartitionResponse response;
  response.errors.emplace();
  for (const auto& list : request.partitions_to_delete) {
    const Status deleted = catalog_.delete_partition(ctx.scope(), name_of(request), list.values);
    if (!deleted.ok()) response.errors->push_back({list.values, to_model(deleted.error())});
  }
  return response;
}

}  // namespace mekong::glue
