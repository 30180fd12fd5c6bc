//! A small town to look at in a browser: `cargo run -p web --example town`, then open one of the printed links.
#[path = "../tests/town/mod.rs"]
mod town;

#[tokio::main]
async fn main() {
    let town = town::Town::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await.expect("port 8080 is free");
    println!("http://127.0.0.1:8080/");
    for (name, token) in &town.tokens {
        println!("{name}: http://127.0.0.1:8080/s/{token}");
    }
    web::serve(listener, town.app.clone(), std::future::pending()).await.expect("the listener works");
}
