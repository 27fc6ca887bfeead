" Vim syntax of dlg; made by scripts/editors.sh.
if exists("b:current_syntax")
  finish
endif
syn keyword dlgDeclaration const entry fn input optimizer param state
syn keyword dlgKeyword by else except for from if in include minimize over return scan with yield
syn keyword dlgWord and or not
syn keyword dlgType bf16 bool f16 f32 i32 u8
syn keyword dlgConstant true false inf nan pi step training
syn match dlgBuiltin "\<\%(add\|argmax\|assert\|bit_and\|bit_or\|bit_xor\|cast\|cols\|concat\|copy\|cos\|dim\|div\|dot\|dtype\|einsum\|eq\|erf\|exp\|expand\|expand_dims\|floor\|full\|grad\|gradsum\|idiv\|iota\|le\|log\|lt\|max\|maximum\|mean\|min\|minimum\|mod\|mul\|ne\|neg\|normal\|ones\|ones_like\|pad\|permute\|philox\|pow\|random_bits\|random_like\|random_uniform\|rank\|reduce_argmax\|reduce_max\|reduce_sum\|reshape\|rows\|rsqrt\|scatter\|shift_left\|shift_right\|sin\|size\|skew\|slice\|sqrt\|stop_gradient\|sub\|sum\|take\|tanh\|uniform\|where\|window\|zeros\|zeros_like\)\>\ze\s*("
syn match dlgFunction "\<\%(abs\|accuracy\|adagrad\|adam\|adamw\|argmin\|attention\|avg_pool\|avg_pool1d\|batch_norm\|binary_accuracy\|binary_cross_entropy\|ceil\|channel_mean\|clip\|conv\|conv1d\|conv2d\|conv_transpose\|conv_transpose2d\|cosh\|cosine_decay\|cosine_similarity\|cross_entropy\|dense\|depthwise_conv\|difference\|dropout\|elu\|embedding\|exp2\|expm1\|exponential_decay\|flatten\|gelu\|gelu_tanh\|glorot\|group_norm\|gru_cell\|he\|huber\|kl_divergence\|layer_norm\|leaky_relu\|lecun\|linspace\|log2\|log_softmax\|logsumexp\|lstm_cell\|mae\|max_pool\|max_pool1d\|mish\|momentum\|mse\|multi_head_attention\|nesterov\|norm\|one_hot\|outer\|pad_last\|per_channel\|per_group\|pool_windows\|pool_windows1d\|prepared\|probabilities_of\|r2\|random_normal_like\|relu\|rms_norm\|rmsprop\|round\|same_shape\|scatter_add\|selu\|sgd\|shift_of\|sigmoid\|sign\|silu\|sinh\|sinusoidal_positions\|softmax\|softplus\|softsign\|split_heads\|square\|std\|step_decay\|tan\|top_k_accuracy\|tril\|triu\|upsample\|variance\|warmth\|warmup\|with_place\)\>\ze\s*("
syn match dlgNumber "\<\d\+\(\.\d\+\)\?\([eE][+-]\?\d\+\)\?\>"
syn match dlgOperator "<-\|->\|\.\.\.\|\.\.\|\*\*\|//\|[=!<>]=\|[-+*/%@<>=~']"
syn match dlgComment "#.*$" contains=@Spell
syn region dlgString start=+"+ skip=+\\"+ end=+"\|$+
hi def link dlgDeclaration StorageClass
hi def link dlgKeyword Keyword
hi def link dlgWord Operator
hi def link dlgType Type
hi def link dlgConstant Constant
hi def link dlgBuiltin Function
hi def link dlgFunction Identifier
hi def link dlgNumber Number
hi def link dlgOperator Operator
hi def link dlgComment Comment
hi def link dlgString String
let b:current_syntax = "dlg"
