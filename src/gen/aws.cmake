# Tables and one-line accessors, and what structs do when they are copied or dropped: to make that fast costs the compiler
# a quarter more and gains nothing; there are no lines to look at in a debugger either.
function(mekong_generated target)
  target_compile_options(${target} PRIVATE "$<$<CONFIG:Release>:-Os;-g0>")
endfunction()

# One library mekong_gen_<service> for each models/<service>.txt that begins with "service": link it as DEPS gen/<service>.
set(generator ${CMAKE_SOURCE_DIR}/tools/codegen/aws.py)
file(GLOB models CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/models/*.txt)
foreach(model IN LISTS models)
  file(STRINGS ${model} head REGEX "^service ")
  if(NOT head)
    continue()
  endif()
  get_filename_component(service ${model} NAME_WE)
  set(out ${CMAKE_BINARY_DIR}/gen/${service})
  add_custom_command(OUTPUT ${out}/types.h ${out}/service.h ${out}/operations.inc ${out}/twin.h ${out}/client.h
      ${out}/tables.cpp
    COMMAND ${MEKONG_PYTHON} ${generator} --model ${model} --out ${out}
    DEPENDS ${generator} ${CMAKE_SOURCE_DIR}/tools/codegen/aws_model.py ${model} VERBATIM)
  add_library(mekong_gen_${service} STATIC ${out}/tables.cpp ${out}/types.h ${out}/service.h)
  target_include_directories(mekong_gen_${service} PUBLIC ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(mekong_gen_${service} PUBLIC mekong_api)
  mekong_generated(mekong_gen_${service})
endforeach()
add_test(NAME codegen_aws COMMAND ${MEKONG_PYTHON} ${CMAKE_SOURCE_DIR}/tools/codegen/aws_test.py)
