//! Form Post OP: `oidcc-formpost-basic-certification-test-plan`.

use crate::relying_party::Mode;

crate::code_flow::code_flow_plan!(Mode::FormPost);
