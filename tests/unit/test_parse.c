/* The grammar: programs against the tree that they are, written as text in which every operation
 * stands in parentheses. */
#include "ast.h"

#include "graph_fixture.h"

#include <CUnit/Basic.h>

typedef struct Case {
    Fixture f;
    Names names;
    Sources sources;
    Diags diags;
    Ast *ast;
    Text text;
} Case;

static void parse(Case *c, const char *text, size_t len) {
    fixture_open(&c->f);
    c->sources = (Sources){.arena = &c->f.arena};
    names_init(&c->names, &c->f.arena);
    diags_init(&c->diags, &c->f.arena, &c->sources);
    text_init(&c->text, &c->f.arena);
    text_puts(&c->text, "");
    uint32_t file = source_add(&c->sources, "a.dlg", text, len);
    c->ast = ast_parse(&c->f.arena, &c->names, &c->diags, file);
}

/* ---- The tree as text ------------------------------------------------------------------------- */

static void show(Text *t, const Expr *e);

static void show_list(Text *t, const Exprs *list) {
    for (uint32_t i = 0; i < list->len; i++) {
        if (i) text_puts(t, ", ");
        show(t, list->at[i]);
    }
}

static void show_subscript(Text *t, const Subscript *s) {
    switch (s->kind) {
    case SUBSCRIPT_INDEX: show(t, s->index); break;
    case SUBSCRIPT_ELLIPSIS: text_puts(t, "..."); break;
    case SUBSCRIPT_SLICE:
        if (s->begin) show(t, s->begin);
        text_puts(t, ":");
        if (s->end) show(t, s->end);
        if (s->step) {
            text_puts(t, ":");
            show(t, s->step);
        }
    }
}

static void show(Text *t, const Expr *e) {
    static const char *const ops[] = {"+",  "-", "*",  "/", "//", "%",   "**", "@", "==",
                                      "!=", "<", "<=", ">", ">=", "and", "or", "-", "not "};
    switch (e->kind) {
    case EXPR_NUMBER:
        text_f64(t, e->number);
        if (!e->integral) text_puts(t, "r");
        break;
    case EXPR_STRING: text_printf(t, "\"%s\"", e->name); break;
    case EXPR_NAME: text_puts(t, e->name); break;
    case EXPR_UNARY:
        text_printf(t, "(%s", ops[e->op]);
        show(t, e->a);
        text_puts(t, ")");
        break;
    case EXPR_BINARY:
        text_puts(t, "(");
        show(t, e->a);
        text_printf(t, " %s ", ops[e->op]);
        show(t, e->b);
        text_puts(t, ")");
        break;
    case EXPR_TRANSPOSE:
        show(t, e->a);
        text_puts(t, "'");
        break;
    case EXPR_CALL:
        text_printf(t, "%s(", e->name);
        for (uint32_t i = 0; i < e->args.len; i++) {
            text_printf(t, "%s%s%s", i ? ", " : "", e->args.at[i].name ? e->args.at[i].name : "",
                        e->args.at[i].name ? "=" : "");
            show(t, e->args.at[i].value);
        }
        text_puts(t, ")");
        break;
    case EXPR_INDEX:
        show(t, e->a);
        text_puts(t, "[");
        for (uint32_t i = 0; i < e->subscripts.len; i++) {
            if (i) text_puts(t, ", ");
            show_subscript(t, &e->subscripts.at[i]);
        }
        text_puts(t, "]");
        break;
    case EXPR_TENSOR:
        text_puts(t, "[");
        show_list(t, &e->list);
        text_puts(t, "]");
        break;
    case EXPR_TUPLE: show_list(t, &e->list); break;
    }
}

static void show_named(Text *t, const NamedValues *values) {
    for (uint32_t i = 0; i < values->len; i++) {
        text_puts(t, i ? ", " : " ");
        if (values->at[i].name.name) text_printf(t, "%s = ", values->at[i].name.name);
        show(t, values->at[i].value);
    }
}

static void show_idents(Text *t, const Idents *list) {
    for (uint32_t i = 0; i < list->len; i++)
        text_printf(t, "%s%s", i ? ", " : "", list->at[i].name);
}

static void show_type(Text *t, const TypeExpr *type) {
    if (!type->dtype.name) return;
    text_printf(t, " : %s[", type->dtype.name);
    show_list(t, &type->dims);
    text_puts(t, "]");
}

static void show_source(Text *t, const SourceClause *s) {
    if (!s->present) return;
    text_printf(t, " from \"%s\"", s->path);
    for (uint32_t i = 0; i < s->options.len; i++) {
        const SourceOption *o = &s->options.at[i];
        text_printf(t, " %s", o->name.name);
        if (o->value || o->range) text_puts(t, " ");
        if (o->value) show(t, o->value);
        if (o->range) text_puts(t, ":");
        if (o->to) show(t, o->to);
    }
}

static void show_stmts(Text *t, const Stmts *body);

static void show_body(Text *t, const Stmts *body) {
    text_puts(t, " { ");
    show_stmts(t, body);
    text_puts(t, "}");
}

static void show_range(Text *t, const Stmt *s) {
    text_printf(t, "%s in ", s->name.name);
    show(t, s->from);
    text_puts(t, "..");
    show(t, s->to);
}

static void show_stmt(Text *t, const Stmt *s) {
    static const char *const words[] = {
        [STMT_CONST] = "const",    [STMT_INPUT] = "input ", [STMT_PARAM] = "param ",
        [STMT_STATE] = "state ",   [STMT_FN] = "fn ",       [STMT_OPTIMIZER] = "optimizer ",
        [STMT_RETURN] = "return ", [STMT_YIELD] = "yield ", [STMT_EXPR] = "",
    };
    switch (s->kind) {
    case STMT_CONST:
        text_puts(t, "const");
        show_named(t, &s->values);
        break;
    case STMT_INPUT:
    case STMT_PARAM:
    case STMT_STATE:
        text_printf(t, "%s%s", words[s->kind], s->name.name);
        show_type(t, &s->type);
        show_source(t, &s->source);
        if (!s->value) break;
        text_puts(t, s->tilde ? " ~ " : " = ");
        show(t, s->value);
        break;
    case STMT_FN:
    case STMT_OPTIMIZER:
        text_printf(t, "%s%s(", words[s->kind], s->name.name);
        for (uint32_t i = 0; i < s->params.len; i++) {
            text_printf(t, "%s%s", i ? ", " : "", s->params.at[i].name.name);
            if (!s->params.at[i].fallback) continue;
            text_puts(t, " = ");
            show(t, s->params.at[i].fallback);
        }
        text_puts(t, ")");
        show_body(t, &s->body);
        break;
    case STMT_FOR:
        text_puts(t, "for ");
        show_range(t, s);
        show_body(t, &s->body);
        break;
    case STMT_SCAN:
        show_idents(t, &s->targets);
        text_puts(t, " = scan ");
        show_range(t, s);
        text_puts(t, " with");
        show_named(t, &s->values);
        show_body(t, &s->body);
        break;
    case STMT_IF:
        text_puts(t, "if ");
        show(t, s->value);
        show_body(t, &s->body);
        text_puts(t, " else");
        show_body(t, &s->orelse);
        break;
    case STMT_INCLUDE: text_printf(t, "include \"%s\"", s->path); break;
    case STMT_BIND:
        show_idents(t, &s->targets);
        text_puts(t, " = ");
        show(t, s->value);
        break;
    case STMT_UPDATE:
        text_printf(t, "%s <- ", s->name.name);
        show(t, s->value);
        break;
    case STMT_RETURN:
    case STMT_YIELD:
    case STMT_EXPR:
        text_puts(t, words[s->kind]);
        if (s->value) show(t, s->value);
        break;
    case STMT_MINIMIZE:
        text_puts(t, "minimize ");
        show(t, s->value);
        if (s->over.len) text_puts(t, " over ");
        show_idents(t, &s->over);
        text_puts(t, " by ");
        show(t, s->by);
        break;
    case STMT_ENTRY:
        text_printf(t, "entry %s", s->name.name);
        if (s->values.len) text_puts(t, " with");
        show_named(t, &s->values);
        if (s->outputs.len) text_puts(t, " ->");
        show_named(t, &s->outputs);
        if (s->has_block) show_body(t, &s->body);
        break;
    }
}

static void show_stmts(Text *t, const Stmts *body) {
    for (uint32_t i = 0; i < body->len; i++) {
        show_stmt(t, body->at[i]);
        text_puts(t, "; ");
    }
}

/* ---- Tests ------------------------------------------------------------------------------------ */

static void expect(const char *source, const char *wanted) {
    Case c;
    parse(&c, source, strlen(source));
    show_stmts(&c.text, &c.ast->items);
    diags_render(&c.diags, &c.text, false);
    if (strcmp(c.text.at, wanted))
        fprintf(stderr, "of: %s\nwanted: %s\ngot: %s\n", source, wanted, c.text.at);
    CU_ASSERT_STRING_EQUAL(c.text.at, wanted);
    fixture_close(&c.f);
}

static void test_operators(void) {
    expect("x = a + b * c", "x = (a + (b * c)); ");
    expect("x = a - b - c", "x = ((a - b) - c); ");
    expect("x = a / b // c % d @ e", "x = ((((a / b) // c) % d) @ e); ");
    expect("x = -a ** 2", "x = (-(a ** 2)); ");
    expect("x = -a * b", "x = ((-a) * b); ");
    expect("x = a ** b ** c", "x = (a ** (b ** c)); ");
    expect("x = 2 ** -a * b", "x = ((2 ** (-a)) * b); ");
    expect("x = a ** b'", "x = (a ** b'); ");
    expect("x = - -a", "x = (-(-a)); ");
    expect("x = a @ b' + c", "x = ((a @ b') + c); ");
    expect("x = a < b and not c == d or e", "x = (((a < b) and (not (c == d))) or e); ");
    expect("x = a + b < c * d", "x = ((a + b) < (c * d)); ");
    expect("x = (a + b) * c", "x = ((a + b) * c); ");
    expect("x = a >= b", "x = (a >= b); ");
    expect("x = a <-b",
           ""
           "error[E0101]: expected an operator or the end of the line, found '<-'\n"
           " --> a.dlg:1:7\n  |\n1 | x = a <-b\n  |       ^^\n"
           "  = help: `<-` updates one variable, by its name; to compare with a negative number "
           "write `a < -b`\n\n");
}

static void test_postfix(void) {
    expect("x = a[0]'[1, ..., 2:3, :, ::-1, b[1]:]''",
           "x = a[0]'[1, ..., 2:3, :, ::(-1), b[1]:]''; ");
    expect("x = f(a, b = 1, c = [1, 2],)'", "x = f(a, b=1, c=[1, 2])'; ");
    expect("x = f()", "x = f(); ");
    expect("x = (a)[0]", "x = a[0]; ");
    expect("f(x)", "f(x); ");
}

static void test_numbers(void) {
    expect("x = [1, 1.5, .5, 1e3, 2E-3, 007]", "x = [1, 1.5r, 0.5r, 1000r, 0.002r, 7]; ");
    expect("x = 9007199254740992", "x = 9007199254740992; ");
    expect("for t in 0..3 { }", "for t in 0..3 { }; ");
    expect("for t in 0 ..n+1 { }", "for t in 0..(n + 1) { }; ");
}

static void test_names(void) {
    expect("x = h.w", "x = h.w; ");
    expect("x = block[3].w + block[3][0].attention.w[0]",
           "x = (block[3].w + block[3][0].attention.w[0]); ");
    expect("x = block[i]", "x = block[i]; ");
    expect("x = columns + axis + chars + bytes + f32 + true",
           "x = (((((columns + axis) + chars) + bytes) + f32) + true); ");
    expect("h.w <- 1; block[0].w <- 2", "h.w <- 1; block[0].w <- 2; ");
    expect("inside = form", "inside = form; ");
}

static void test_strings(void) {
    expect("assert(a, \"a \\\"b\\\" \\\\ \\n\\t\")", "assert(a, \"a \"b\" \\ \n\t\"); ");
    expect("x = \"# no comment\" # a comment", "x = \"# no comment\"; ");
}

static void test_lines(void) {
    expect("x = a +\n\n  b *\n c", "x = (a + (b * c)); ");
    expect("x = f(a\n,\n b\n)\ny =\n [1,\n 2\n]", "x = f(a, b); y = [1, 2]; ");
    expect("\n\n;;x = 1;; y = 2;\n\n", "x = 1; y = 2; ");
    expect("x = 1 # c\n# c\n\ny = 2 # c", "x = 1; y = 2; ");
    expect("x = 1\r\ny = a +\r\n 2\r\n", "x = 1; y = (a + 2); ");
    expect("\xEF\xBB\xBFx = 1", "x = 1; ");
    expect("", "");
    expect("# nothing", "");
    expect("const a = 1,\n  b = 2", "const a = 1, b = 2; ");
    expect("w <-\n 1", "w <- 1; ");
}

static void test_declarations(void) {
    expect("input x : f32[batch, 64] from \"a.csv\" columns 0:n + 1 axis 1",
           "input x : f32[batch, 64] from \"a.csv\" columns 0:(n + 1) axis 1; ");
    expect("input y : i32 from \"a\" columns 3\ninput z : i32[4] from \"a\" chars axis 0",
           "input y : i32[] from \"a\" columns 3; input z : i32[4] from \"a\" chars axis 0; ");
    expect("input x : f32[2] from \"a.csv\" columns :3",
           "input x : f32[2] from \"a.csv\" columns :3; ");
    expect("param w : f32[cols(x), 3] ~ glorot()\nparam b : f32[3] = 0",
           "param w : f32[cols(x), 3] ~ glorot(); param b : f32[3] = 0; ");
    expect("state v = zeros_like(p)\nstate n : i32 = 0",
           "state v = zeros_like(p); state n : i32[] = 0; ");
    expect("include \"a.dlg\"", "include \"a.dlg\"; ");
}

static void test_blocks(void) {
    expect("fn f(x, y = 1,) { return x, y }", "fn f(x, y = 1) { return x, y; }; ");
    expect("fn f() { return\n}", "fn f() { return ; }; ");
    expect("fn f(x)\n{\n a = x; return a }", "fn f(x) { a = x; return a; }; ");
    expect("optimizer sgd(p, g, lr = 0.01) {\n p <- p - lr * g\n}",
           "optimizer sgd(p, g, lr = 0.01r) { p <- (p - (lr * g)); }; ");
    expect("if a { x = 1 } else if b { y = 2 }\nelse { z = 3 }",
           "if a { x = 1; } else { if b { y = 2; } else { z = 3; }; }; ");
    expect("for i in 0..n { a, b = f(a); c = a, b }", "for i in 0..n { a, b = f(a); c = a, b; }; ");
    expect("h, hs = scan t in 0..T with h = h0, c = c0 {\n h = f(h)\n yield h }",
           "h, hs = scan t in 0..T with h = h0, c = c0 { h = f(h); yield h; }; ");
    expect("if a { } b = 1", "if a { } else { }; b = 1; ");
}

static void test_entries(void) {
    expect("entry e -> a, b = c + 1, d", "entry e -> a, b = (c + 1), d; ");
    expect("entry e with n = 1, T = 2 -> a", "entry e with n = 1, T = 2 -> a; ");
    expect("entry train { minimize loss by adam(lr = 1) }",
           "entry train { minimize loss by adam(lr=1); }; ");
    expect("entry train\n -> loss\n{ minimize a + b over h, g.w, block[3], block[1][2] by sgd }",
           "entry train -> loss { minimize (a + b) over h, g.w, block[3], block[1][2] by sgd; }; ");
    expect("entry e", "entry e; ");
}

/* After an error the parse goes on with the next statement. */
static void test_recovery(void) {
    static const char text[] =
        "a = 1\nb = = 2\nc = (3\nd = 4\ne = ]\nfn f(x) {\n y = 1 2\n z = 3\n}\ng = 5\n";
    Case c;
    parse(&c, text, sizeof text - 1);
    CU_ASSERT_EQUAL(c.diags.errors, 4);
    show_stmts(&c.text, &c.ast->items);
    CU_ASSERT_STRING_EQUAL(c.text.at, "a = 1; fn f(x) { z = 3; }; g = 5; ");
    fixture_close(&c.f);
}

static void test_spans(void) {
    Case c;
    static const char text[] = "x = (a + b) @ f(c)'[0]\nfn g(x) { }\n";
    parse(&c, text, sizeof text - 1);
    const Expr *e = c.ast->items.at[0]->value;
    CU_ASSERT_EQUAL(e->span.begin, 4);
    CU_ASSERT_EQUAL(e->span.end, 22);
    CU_ASSERT_EQUAL(e->a->span.end, 11);
    CU_ASSERT_EQUAL(e->b->a->a->name_span.begin, 14);
    CU_ASSERT_EQUAL(e->b->a->a->span.end, 18);
    CU_ASSERT_EQUAL(c.ast->items.at[1]->span.end, 30);
    fixture_close(&c.f);
}

/* Names on both sides of each limit. */
static void test_limits(void) {
    Case c;
    char text[2000];
    for (int over = 0; over < 2; over++) {
        size_t n = AST_MAX_NAME_BYTES + (size_t)over;
        memset(text, 'a', n);
        memcpy(text + n, " = 1", 5);
        parse(&c, text, n + 4);
        CU_ASSERT_EQUAL(c.diags.errors, (uint32_t)over);
        fixture_close(&c.f);
    }
    enum { DEEP = AST_MAX_DEPTH - 2 };
    static char deep[2 * AST_MAX_DEPTH + 100];
    for (int over = 0; over < 2; over++) {
        size_t n = DEEP + 4 * (size_t)over, at = 4;
        memcpy(deep, "x = ", 4);
        memset(deep + at, '[', n);
        memset(deep + at + n, '1', 1);
        memset(deep + at + n + 1, ']', n);
        parse(&c, deep, at + 2 * n + 1);
        CU_ASSERT_EQUAL(c.diags.errors, (uint32_t)over);
        if (over) CU_ASSERT_EQUAL(c.diags.list.at[0]->code, E0107);
        fixture_close(&c.f);
    }
}

RUN_SUITE("parse", {"operators", test_operators}, {"postfix", test_postfix},
          {"numbers", test_numbers}, {"names", test_names}, {"strings", test_strings},
          {"lines", test_lines}, {"declarations", test_declarations}, {"blocks", test_blocks},
          {"entries", test_entries}, {"recovery", test_recovery}, {"spans", test_spans},
          {"limits", test_limits})
